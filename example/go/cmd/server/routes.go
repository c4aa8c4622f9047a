package main

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"example.com/kv/internal/kv"
)

const maxValue = 1 << 20

type api struct {
	store *kv.Store
}

func routes(store *kv.Store, log *slog.Logger) http.Handler {
	a := &api{store}
	r := mux.NewRouter()
	r.HandleFunc("/healthz", health).Methods(http.MethodGet)
	r.HandleFunc("/kv", a.list).Methods(http.MethodGet)
	r.HandleFunc("/kv/{key}", a.get).Methods(http.MethodGet)
	r.HandleFunc("/kv/{key}", a.put).Methods(http.MethodPut)
	r.HandleFunc("/kv/{key}", a.remove).Methods(http.MethodDelete)
	r.Use(logged(log))
	return r
}

func logged(log *slog.Logger) mux.MiddlewareFunc {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			start := time.Now()
			next.ServeHTTP(w, r)
			log.Info("request", "method", r.Method, "path", r.URL.Path, "took", time.Since(start))
		})
	}
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func fail(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	if errors.Is(err, kv.ErrNotFound) {
		status = http.StatusNotFound
	}
	answer(w, status, map[string]string{"error": err.Error()})
}

func health(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]string{"status": "ok"})
}

func (a *api) list(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, a.store.Keys())
}

func (a *api) get(w http.ResponseWriter, r *http.Request) {
	e, err := a.store.Get(mux.Vars(r)["key"])
	if err != nil {
		fail(w, err)
		return
	}
	answer(w, http.StatusOK, e)
}

func (a *api) put(w http.ResponseWriter, r *http.Request) {
	var value json.RawMessage
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxValue)).Decode(&value); err != nil {
		fail(w, err)
		return
	}
	answer(w, http.StatusCreated, a.store.Put(mux.Vars(r)["key"], value))
}

func (a *api) remove(w http.ResponseWriter, r *http.Request) {
	if err := a.store.Delete(mux.Vars(r)["key"]); err != nil {
		fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
