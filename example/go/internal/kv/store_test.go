package kv

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"testing"
)

func counter() func() string {
	n := 0
	return func() string { n++; return strconv.Itoa(n) }
}

func TestStore(t *testing.T) {
	s := New(counter())
	s.Put("b", json.RawMessage(`2`))
	s.Put("a", json.RawMessage(`1`))
	if e := s.Put("a", json.RawMessage(`{"x":1}`)); e.Revision != "3" {
		t.Errorf("revision %q, want 3", e.Revision)
	}
	if e, err := s.Get("a"); err != nil || string(e.Value) != `{"x":1}` {
		t.Errorf("Get(a) = %s, %v", e.Value, err)
	}
	if k := s.Keys(); !slices.Equal(k, []string{"a", "b"}) {
		t.Errorf("Keys() = %v", k)
	}
	if err := s.Delete("b"); err != nil {
		t.Error(err)
	}
	if _, err := s.Get("b"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Get after Delete: %v", err)
	}
}
