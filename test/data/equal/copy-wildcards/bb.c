bb.c
