// Command tilelog checks a folder that `consentry ledger export --tiles` wrote, with the code that checks Go's own
// checksum database (golang.org/x/mod/sumdb). Nothing of it comes from the service.
//
//	tilelog -vkey KEY [-old CHECKPOINT] [-witness KEY] FOLDER
//	tilelog -vkey KEY -proof FILE.tlog-proof
//
// It prints how many entries it proved, or says on standard error what is wrong and ends with status 1.
package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// open reads a checkpoint that is signed by the log, and by the witness if one is asked for.
func open(text []byte, log note.Verifier, witness note.Verifier) (tlog.Tree, error) {
	known := []note.Verifier{log}
	if witness != nil {
		known = append(known, witness)
	}
	opened, err := note.Open(text, note.VerifierList(known...))
	if err != nil {
		return tlog.Tree{}, err
	}
	if len(opened.Sigs) != len(known) {
		return tlog.Tree{}, errors.New("the checkpoint is not signed by all who were asked for")
	}
	// The package is lenient about base64; one text, one signature.
	for _, signature := range append(opened.Sigs, opened.UnverifiedSigs...) {
		if _, err := base64.StdEncoding.Strict().DecodeString(signature.Base64); err != nil {
			return tlog.Tree{}, err
		}
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != log.Name() || lines[3] != "" {
		return tlog.Tree{}, errors.New("the text is not a checkpoint of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || lines[1] != strconv.FormatInt(size, 10) {
		return tlog.Tree{}, errors.New("the size is not a number")
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return tlog.Tree{}, err
	}
	return tlog.Tree{N: size, Hash: root}, nil
}

// consistent proves that the tree begins with an older one.
func consistent(old, tree tlog.Tree, reader tlog.HashReader) error {
	if old.N == 0 {
		return nil
	}
	proof, err := tlog.ProveTree(tree.N, old.N, reader)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash)
}

// checkProof checks a C2SP tlog-proof whose extra data is the entry.
func checkProof(text []byte, log, witness note.Verifier) error {
	head, signed, found := bytes.Cut(text, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !found || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("not a proof")
	}
	entry, err := base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(lines[1], "extra "))
	if err != nil {
		return err
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		proof = append(proof, hash)
	}
	tree, err := open(signed, log, witness)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry))
}

func run() error {
	vkey := flag.String("vkey", "", "verifier key of the log")
	witnessKey := flag.String("witness", "", "verifier key of a witness who must have signed")
	older := flag.String("old", "", "an older checkpoint of the same log")
	proof := flag.String("proof", "", "a proof to check instead of a folder")
	flag.Parse()
	log, err := note.NewVerifier(*vkey)
	if err != nil {
		return err
	}
	var witness note.Verifier
	if *witnessKey != "" {
		if witness, err = newWitness(*witnessKey); err != nil {
			return err
		}
	}
	if *proof != "" {
		text, err := os.ReadFile(*proof)
		if err != nil {
			return err
		}
		return checkProof(text, log, witness)
	}
	folder := &folder{path: flag.Arg(0), held: map[string][]byte{}}
	text, err := os.ReadFile(folder.path + "/checkpoint")
	if err != nil {
		return err
	}
	tree, err := open(text, log, witness)
	if err != nil {
		return err
	}
	reader := tlog.TileHashReader(tree, folder)
	if err := folder.entries(tree, reader); err != nil {
		return err
	}
	if err := folder.nothingElse(tree); err != nil {
		return err
	}
	if *older != "" {
		text, err := os.ReadFile(*older)
		if err != nil {
			return err
		}
		old, err := open(text, log, nil)
		if err != nil {
			return err
		}
		if err := consistent(old, tree, reader); err != nil {
			return err
		}
	}
	fmt.Printf("%d entries\n", tree.N)
	return nil
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
