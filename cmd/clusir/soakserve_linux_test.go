package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// posts returns a function that uses a server: parallel clients send the pictures and
// keep the complete results. Then it shuts the server down.
func posts(pictures ...string) func(out string, cmd *exec.Cmd, stdout io.Reader) bool {
	return func(out string, cmd *exec.Cmd, stdout io.Reader) bool {
		line, err := bufio.NewReader(stdout).ReadString('\n') // everything it prints
		if err != nil {
			return false // it has ended
		}
		url := strings.TrimSpace(strings.TrimPrefix(line, "clusir serve: open "))
		var clients sync.WaitGroup
		answered := make([]bool, len(pictures))
		for i, path := range pictures {
			clients.Go(func() { answered[i] = post(url, path, filepath.Join(out, fmt.Sprintf("%d.png", i))) })
		}
		clients.Wait()
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		for _, ok := range answered {
			if !ok {
				return false
			}
		}
		return true
	}
}

// post sends a picture and writes the response to a file if it is complete and a
// picture.
func post(url, picture, answer string) bool {
	in, err := os.Open(picture)
	if err != nil {
		return false
	}
	defer in.Close()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Post(url+"v1/restore", "image/png", in)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return err == nil && res.StatusCode == http.StatusOK && os.WriteFile(answer, text, 0o644) == nil
}
