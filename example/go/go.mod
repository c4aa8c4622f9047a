module example.com/kv

go 1.22

require (
	github.com/google/uuid v1.3.0
	github.com/gorilla/mux v1.8.0
)
