package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	"k8s.io/utils/exec"
)

// runtime plays the same commands and services as the fakes of gateway/test.
type runtime struct{}

func exited(code int) error {
	if code == 0 {
		return nil
	}
	return exec.CodeExitError{Err: fmt.Errorf("exit status %d", code), Code: code}
}

func (runtime) Exec(_ context.Context, _ string, cmd []string, in io.Reader, out, errs io.WriteCloser, _ bool, resize <-chan remotecommand.TerminalSize) error {
	switch cmd[0] {
	case "echo":
		fmt.Fprintln(out, strings.Join(cmd[1:], " "))
		return nil
	case "exit":
		code, err := strconv.Atoi(cmd[1])
		if err != nil {
			return err
		}
		return exited(code)
	case "cat":
		_, err := io.Copy(out, in)
		return err
	case "count":
		total, err := io.Copy(io.Discard, in)
		fmt.Fprintf(out, "%d\n", total)
		return err
	case "warn":
		io.WriteString(out, "to stdout\n")
		if errs != nil {
			io.WriteString(errs, "to stderr\n")
		}
		return exited(3)
	case "zeros":
		total, err := strconv.Atoi(cmd[1])
		if err != nil {
			return err
		}
		block := make([]byte, 65536)
		for left := total; left > 0; left -= len(block) {
			if _, err := out.Write(block[:min(left, len(block))]); err != nil {
				return err
			}
		}
		return nil
	case "size":
		for range 2 {
			size := <-resize
			fmt.Fprintf(out, "%dx%d ", size.Width, size.Height)
		}
		return nil
	default:
		return fmt.Errorf("no command %q", cmd[0])
	}
}

func (runtime) Attach(_ context.Context, _ string, in io.Reader, out, _ io.WriteCloser, _ bool, _ <-chan remotecommand.TerminalSize) error {
	io.WriteString(out, "console\n")
	if in == nil {
		return nil
	}
	block := make([]byte, 4096)
	for {
		count, err := in.Read(block)
		if count > 0 {
			out.Write(bytes.ToUpper(block[:count]))
		}
		if err != nil {
			return nil
		}
	}
}

func (runtime) PortForward(_ context.Context, _ string, port int32, stream io.ReadWriteCloser) error {
	switch port {
	case 7:
		_, err := io.Copy(stream, stream)
		return err
	case 9:
		total, err := io.Copy(io.Discard, stream)
		fmt.Fprintf(stream, "%d\n", total)
		return err
	case 13:
		io.WriteString(stream, "2026-11-21\n")
		return nil
	default:
		return fmt.Errorf("device default/lamp has no service on port %d", port)
	}
}
