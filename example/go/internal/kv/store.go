// Package kv keeps JSON values by key, in memory.
package kv

import (
	"encoding/json"
	"errors"
	"sort"
	"sync"
)

// ErrNotFound is returned for a key that nothing was stored under.
var ErrNotFound = errors.New("no such key")

// Entry is a value and the revision it was stored with.
type Entry struct {
	Revision string          `json:"revision"`
	Value    json.RawMessage `json:"value"`
}

// Store is safe for use by many goroutines.
type Store struct {
	mu      sync.RWMutex
	entries map[string]Entry
	newID   func() string
}

// New makes an empty store; newID names each revision.
func New(newID func() string) *Store {
	return &Store{entries: map[string]Entry{}, newID: newID}
}

// Put stores a value and returns its entry.
func (s *Store) Put(key string, value json.RawMessage) Entry {
	e := Entry{Revision: s.newID(), Value: value}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries[key] = e
	return e
}

// Get returns the entry of key, or ErrNotFound.
func (s *Store) Get(key string) (Entry, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e, ok := s.entries[key]
	if !ok {
		return Entry{}, ErrNotFound
	}
	return e, nil
}

// Delete forgets key, or returns ErrNotFound.
func (s *Store) Delete(key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.entries[key]; !ok {
		return ErrNotFound
	}
	delete(s.entries, key)
	return nil
}

// Keys returns every key, sorted.
func (s *Store) Keys() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	keys := make([]string, 0, len(s.entries))
	for k := range s.entries {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
