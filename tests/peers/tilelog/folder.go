package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

// folder reads tiles from files; what was read is kept, since a proof asks for the same ones again.
type folder struct {
	path string
	held map[string][]byte
}

func (f *folder) Height() int { return height }

func (f *folder) SaveTiles([]tlog.Tile, [][]byte) {}

func (f *folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var read [][]byte
	for _, tile := range tiles {
		// x/mod writes the height into the path, tlog-tiles does not.
		content, err := f.read(strings.Replace(tile.Path(), "tile/8/", "tile/", 1))
		if err != nil {
			return nil, err
		}
		read = append(read, content)
	}
	return read, nil
}

func (f *folder) read(path string) ([]byte, error) {
	if content, ok := f.held[path]; ok {
		return content, nil
	}
	content, err := os.ReadFile(filepath.Join(f.path, path))
	if err == nil {
		f.held[path] = content
	}
	return content, err
}

// entries proves every entry of every bundle.
func (f *folder) entries(tree tlog.Tree, reader tlog.HashReader) error {
	for first := int64(0); first < tree.N; first += 1 << height {
		width := tree.N - first
		if width > 1<<height {
			width = 1 << height
		}
		tile := tlog.Tile{H: height, L: -1, N: first >> height, W: int(width)}
		content, err := f.read(strings.Replace(tile.Path(), "tile/8/data/", "tile/entries/", 1))
		if err != nil {
			return err
		}
		for position := first; position < first+width; position++ {
			if len(content) < 2 || len(content) < 2+int(binary.BigEndian.Uint16(content)) {
				return fmt.Errorf("the bundle ends before position %d", position)
			}
			end := 2 + int(binary.BigEndian.Uint16(content))
			proof, err := tlog.ProveRecord(tree.N, position, reader)
			if err != nil {
				return err
			}
			hash := tlog.RecordHash(content[2:end])
			// A proof in a tree of one entry reads nothing; its tile is to be looked at all the same.
			stored, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, position)})
			if err != nil {
				return err
			}
			if stored[0] != hash {
				return fmt.Errorf("position %d holds another entry", position)
			}
			if err := tlog.CheckRecord(proof, tree.N, tree.Hash, position, hash); err != nil {
				return fmt.Errorf("position %d: %w", position, err)
			}
			content = content[end:]
		}
		if len(content) != 0 {
			return errors.New("a bundle holds more than its entries")
		}
	}
	return nil
}

// nothingElse compares every other file with what was proven: an older partial tile is the beginning of a newer one.
func (f *folder) nothingElse(tree tlog.Tree) error {
	proven := f.held
	return filepath.WalkDir(f.path, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(path, filepath.Clean(f.path)+"/"))
		if _, ok := proven[name]; ok || name == "checkpoint" {
			return nil
		}
		whole, width, found := strings.Cut(name, ".p/")
		if !found {
			return fmt.Errorf("%s belongs to no tree of %d entries", name, tree.N)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for wider := range proven {
			if base, more, partial := strings.Cut(wider, ".p/"); base == whole {
				old, _ := strconv.Atoi(width)
				now, _ := strconv.Atoi(more)
				if (!partial || old < now) && bytes.HasPrefix(proven[wider], content) && holds(name, content, old) {
					return nil
				}
			}
		}
		return fmt.Errorf("%s is not the beginning of what was proven", name)
	})
}

// holds says whether the content is exactly so many hashes, or entries.
func holds(name string, content []byte, width int) bool {
	if !strings.HasPrefix(name, "tile/entries/") {
		return len(content) == width*tlog.HashSize
	}
	for ; width > 0; width-- {
		if len(content) < 2 || len(content) < 2+int(binary.BigEndian.Uint16(content)) {
			return false
		}
		content = content[2+int(binary.BigEndian.Uint16(content)):]
	}
	return len(content) == 0
}
