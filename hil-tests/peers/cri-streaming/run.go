package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	restclient "k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/client-go/util/exec"
	"k8s.io/klog/v2"
	"k8s.io/streaming/pkg/httpstream"
)

// timeout of one step of the script.
const timeout = 20 * time.Second

// seen is what one step of the script came to.
type seen struct {
	Step     string `json:"step"`
	Protocol string `json:"protocol"`
	Stdout   string `json:"stdout,omitempty"`
	Stderr   string `json:"stderr,omitempty"`
	// Exit code of the command; absent where it is a failure that is none.
	Exit  *int   `json:"exit,omitempty"`
	Error string `json:"error,omitempty"`
}

type step struct {
	name string
	// The protocols that know what it needs: half closes of stdin came with v2, sizes with v3.
	since int
	path  string
	query string
	tty   bool
	stdin []byte
	sizes []remotecommand.TerminalSize
}

var steps = []step{
	{name: "echo", query: "command=echo&command=hi&command=there&output=1&error=1"},
	{name: "stderr and exit code 3", query: "command=warn&output=1&error=1"},
	{name: "exit code 0", query: "command=exit&command=0&output=1&error=1"},
	{name: "exit code 7", query: "command=exit&command=7&output=1&error=1"},
	{name: "exit code 255", query: "command=exit&command=255&output=1&error=1"},
	{name: "stdin", since: 2, query: "command=cat&input=1&output=1&error=1", stdin: []byte("one\ntwo\n")},
	{name: "3 MB in and out", since: 2, query: "command=cat&input=1&output=1&error=1", stdin: bytes.Repeat([]byte("0123456789abcdef~"), 180_000)},
	{name: "3 MB in", since: 2, query: "command=count&input=1&output=1", stdin: make([]byte, 3_000_000)},
	{name: "3 MB out", query: "command=zeros&command=3000000&output=1"},
	{name: "tty", since: 3, query: "command=size&input=1&output=1&tty=1", tty: true, sizes: []remotecommand.TerminalSize{{Width: 80, Height: 24}, {Width: 132, Height: 43}}},
	{name: "attach", since: 2, path: "/attach/default/lamp/device", query: "input=1&output=1", stdin: []byte("ps\n")},
}

// run plays the script against a server and prints what it saw.
func run(base string) error {
	config := &restclient.Config{
		Host:            base,
		BearerToken:     os.Getenv("STREAMING_PEER_TOKEN"),
		TLSClientConfig: restclient.TLSClientConfig{Insecure: strings.HasPrefix(base, "https:")},
	}
	out := json.NewEncoder(os.Stdout)
	for index, protocol := range []string{"channel.k8s.io", "v2.channel.k8s.io", "v3.channel.k8s.io", "v4.channel.k8s.io", "websocket v5.channel.k8s.io"} {
		for _, step := range steps {
			if step.since > index+1 {
				continue
			}
			if err := out.Encode(runStep(config, protocol, step)); err != nil {
				return err
			}
		}
	}
	for _, protocol := range []string{"SPDY", "tunnel"} {
		for _, result := range forwardAll(config, protocol) {
			if err := out.Encode(result); err != nil {
				return err
			}
		}
	}
	return nil
}

func runStep(config *restclient.Config, protocol string, step step) seen {
	result := seen{Step: step.name, Protocol: protocol}
	path := step.path
	if path == "" {
		path = "/exec/default/lamp/device"
	}
	target, err := url.Parse(config.Host + path + "?" + step.query)
	if err != nil {
		return seen{Error: err.Error()}
	}
	executor, err := executorFor(config, protocol, target)
	if err != nil {
		result.Error = err.Error()
		return result
	}
	var stdout, stderr bytes.Buffer
	options := remotecommand.StreamOptions{Tty: step.tty}
	if strings.Contains(step.query, "output=1") {
		options.Stdout = &stdout
	}
	if strings.Contains(step.query, "error=1") {
		options.Stderr = &stderr
	}
	if strings.Contains(step.query, "input=1") {
		options.Stdin = bytes.NewReader(step.stdin)
	}
	if step.tty {
		options.TerminalSizeQueue = &sizes{left: step.sizes}
		// A terminal's input does not end before the session does.
		reader, _ := io.Pipe()
		options.Stdin = reader
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	err = executor.StreamWithContext(ctx, options)
	result.Stdout, result.Stderr = shorten(stdout.Bytes()), shorten(stderr.Bytes())
	var code exec.CodeExitError
	switch {
	case err == nil:
		result.Exit = new(int)
	case errors.As(err, &code):
		result.Exit = &code.Code
	default:
		result.Error = err.Error()
	}
	return result
}

func executorFor(config *restclient.Config, protocol string, target *url.URL) (remotecommand.Executor, error) {
	if name, isWebSocket := strings.CutPrefix(protocol, "websocket "); isWebSocket {
		return remotecommand.NewWebSocketExecutorForProtocols(config, "GET", target.String(), name)
	}
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		return nil, err
	}
	return remotecommand.NewSPDYExecutorForProtocols(transport, upgrader, "POST", target, protocol)
}

// sizes gives each size once and then none, until the session ends.
type sizes struct {
	left []remotecommand.TerminalSize
}

func (s *sizes) Next() *remotecommand.TerminalSize {
	if len(s.left) == 0 {
		return nil
	}
	size := s.left[0]
	s.left = s.left[1:]
	return &size
}

// shorten gives text as it is, and the length and digest of what is long.
func shorten(data []byte) string {
	if len(data) <= 200 {
		return string(data)
	}
	digest := sha256.Sum256(data)
	return fmt.Sprintf("%d bytes, sha256 %s", len(data), hex.EncodeToString(digest[:8]))
}

// forwardAll makes connections through one port-forward, and one whose port has no service through another.
func forwardAll(config *restclient.Config, protocol string) []seen {
	megabyte := bytes.Repeat([]byte("0123456789abcdef~"), 60_000)
	results := make([]seen, 20)
	text, err := forward(config, protocol, 7, func(address string) {
		var group sync.WaitGroup
		for index := range results {
			group.Add(1)
			go func() {
				defer group.Done()
				results[index] = exchange("1 MB each way, one of 20", protocol, address, megabyte)
			}()
		}
		group.Wait()
	})
	results = append(results, seen{Step: "after 20 connections", Protocol: protocol, Stderr: text, Error: textOf(err)})
	for _, port := range []int{9, 13, 80} {
		var result seen
		text, err := forward(config, protocol, port, func(address string) {
			result = exchange(fmt.Sprintf("port %d", port), protocol, address, []byte("hello"))
		})
		result.Stderr, result.Error = text, textOf(err)
		results = append(results, result)
	}
	return results
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// forward runs a port-forward to one port for as long as use takes. It returns the errors that kubectl would print.
func forward(config *restclient.Config, protocol string, port int, use func(address string)) (string, error) {
	dialer, err := dialerFor(config, protocol)
	if err != nil {
		return "", err
	}
	stop, ready := make(chan struct{}), make(chan struct{})
	klog.LogToStderr(false)
	var said bytes.Buffer
	klog.SetOutput(&said)
	forwarder, err := portforward.NewForStreaming(dialer, []string{fmt.Sprintf("0:%d", port)}, stop, ready, io.Discard, io.Discard)
	if err != nil {
		return "", err
	}
	ended := make(chan error, 1)
	go func() { ended <- forwarder.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-ended:
		return "", err
	case <-time.After(timeout):
		return "", errors.New("not ready in time")
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		return "", err
	}
	use(fmt.Sprintf("127.0.0.1:%d", ports[0].Local))
	// A connection that failed ends the whole of it, a moment later.
	select {
	case err := <-ended:
		return errorsIn(said.String()), err
	case <-time.After(500 * time.Millisecond):
	}
	close(stop)
	err = <-ended
	return errorsIn(said.String()), err
}

var (
	loggedError = regexp.MustCompile(`err="((?:[^"\\]|\\.)*)"`)
	uid         = regexp.MustCompile(`uid [^:]*:`)
)

// errorsIn gives the errors of log lines, which is where kubectl prints them.
func errorsIn(lines string) string {
	klog.Flush()
	var found []string
	for _, match := range loggedError.FindAllStringSubmatch(lines, -1) {
		// klog writes a line once for each severity that it reaches.
		if text := uid.ReplaceAllString(match[1], "uid:"); !slices.Contains(found, text) {
			found = append(found, text)
		}
	}
	return strings.Join(found, "\n")
}

func dialerFor(config *restclient.Config, protocol string) (httpstream.Dialer, error) {
	target, err := url.Parse(config.Host + "/portForward/default/lamp")
	if err != nil {
		return nil, err
	}
	if protocol == "tunnel" {
		return portforward.NewSPDYOverWebsocketDialerForStreaming(target, config)
	}
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		return nil, err
	}
	return spdy.NewDialerForStreaming(upgrader, &http.Client{Transport: transport}, "POST", target), nil
}

// exchange sends bytes, ends its half and reads to the end.
func exchange(name, protocol, address string, data []byte) seen {
	result := seen{Step: name, Protocol: protocol}
	connection, err := net.DialTimeout("tcp", address, timeout)
	if err != nil {
		result.Error = err.Error()
		return result
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(timeout))
	go func() {
		connection.Write(data)
		connection.(*net.TCPConn).CloseWrite()
	}()
	got, err := io.ReadAll(connection)
	result.Stdout = shorten(got)
	// Whether the far end closes or resets is a matter of timing.
	if err != nil && !strings.Contains(err.Error(), "reset by peer") {
		result.Error = err.Error()
	}
	return result
}
