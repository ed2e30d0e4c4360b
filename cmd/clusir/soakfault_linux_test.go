package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

// soakFault is the variable that makes a process of these tests fail: a kind of fault,
// and the file size beyond which it applies. All but "size" begin at the signal
// soakStrike.
const (
	soakFault  = "CLUSIR_TEST_FAULT"
	soakStrike = syscall.SIGUSR1
)

func init() { beforeMain = failAsAsked }

// failAsAsked starts the fault that soakFault describes.
func failAsAsked() {
	kind, text, ok := strings.Cut(os.Getenv(soakFault), " ")
	if !ok {
		return
	}
	n, err := strconv.Atoi(text)
	if err == nil && kind == "size" {
		limit := syscall.Rlimit{Cur: uint64(n), Max: uint64(n)}
		err = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
	} else if err == nil {
		struck := make(chan os.Signal, 1)
		signal.Notify(struck, soakStrike)
		go func() {
			<-struck
			if err := failCalls(kind); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}()
	}
	if err != nil {
		panic(err)
	}
}

// failCalls makes the kernel refuse a kind of system call to this process from now on,
// with a seccomp filter, so that the program needs no code to inject failures.
func failCalls(kind string) error {
	const (
		load = syscall.BPF_LD | syscall.BPF_W | syscall.BPF_ABS
		is   = syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K
		bits = syscall.BPF_JMP | syscall.BPF_JSET | syscall.BPF_K
		end  = syscall.BPF_RET | syscall.BPF_K

		number, flags = 0, 16 + 2*8 // of seccomp_data: the call, and openat's third argument
		refuse, allow = 0x00050000, 0x7fff0000
	)
	calls := map[string][]uint32{
		"fsync": {syscall.SYS_FSYNC}, "rename": renameCalls, "create": {syscall.SYS_OPENAT},
	}[kind]
	errno := map[string]syscall.Errno{"fsync": syscall.EIO, "rename": syscall.ENOSPC, "create": syscall.EMFILE}[kind]
	program := []syscall.SockFilter{{Code: load, K: number}}
	for _, call := range calls {
		if kind == "create" {
			program = append(program, syscall.SockFilter{Code: is, Jf: 3, K: call}, syscall.SockFilter{Code: load, K: flags},
				syscall.SockFilter{Code: bits, Jf: 1, K: syscall.O_CREAT}, syscall.SockFilter{Code: end, K: refuse | uint32(errno)})
			continue
		}
		program = append(program, syscall.SockFilter{Code: is, Jf: 1, K: call}, syscall.SockFilter{Code: end, K: refuse | uint32(errno)})
	}
	program = append(program, syscall.SockFilter{Code: end, K: allow})
	filter := syscall.SockFprog{Len: uint16(len(program)), Filter: &program[0]}

	const prSetNoNewPrivs, modeFilter, allThreads = 38, 1, 1
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if _, _, e := syscall.Syscall(syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0); e != 0 { // the other threads follow
		return fmt.Errorf("seccomp: prctl: %w", e)
	}
	if _, _, e := syscall.Syscall(seccompCall, modeFilter, allThreads, uintptr(unsafe.Pointer(&filter))); e != 0 {
		return fmt.Errorf("seccomp: %w", e)
	}
	return nil
}

// seccompCall and renameCalls are system calls whose numbers package syscall lacks, or
// that not every architecture has.
var seccompCall, renameCalls = map[string]uintptr{"amd64": 317, "arm64": 277}[runtime.GOARCH],
	map[string][]uint32{"amd64": {82, 264, 316}, "arm64": {38, 276}}[runtime.GOARCH]
