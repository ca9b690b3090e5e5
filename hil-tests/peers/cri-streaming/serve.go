package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"k8s.io/apimachinery/pkg/util/proxy"
	translator "k8s.io/apiserver/pkg/util/proxy"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-streaming/pkg/streaming"
	"k8s.io/cri-streaming/pkg/streaming/portforward"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	"k8s.io/streaming/pkg/httpstream/wsstream"
)

// serve answers on a free port of the loopback, says which on stdout, and never returns. An API server wants TLS; what a
// kubelet's handlers proxy to on its node stays clear text.
func serve(secure bool) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	config := streaming.DefaultConfig
	inner := listener
	if secure {
		if inner, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return err
		}
	}
	config.BaseURL = &url.URL{Scheme: "http", Host: inner.Addr().String(), Path: "/cri/"}
	cri, err := streaming.NewServer(config, runtime{})
	if err != nil {
		return err
	}
	kubelet := kubelet{cri}
	mux := http.NewServeMux()
	mux.Handle("/cri/", cri)
	mux.HandleFunc("/exec/{namespace}/{pod}/{container}", kubelet.exec)
	mux.HandleFunc("/attach/{namespace}/{pod}/{container}", kubelet.attach)
	mux.HandleFunc("/portForward/{namespace}/{pod}", kubelet.portForward)
	if !secure {
		fmt.Println("serving on", "http://"+listener.Addr().String())
		return http.Serve(listener, mux)
	}
	certificate, err := selfSigned()
	if err != nil {
		return err
	}
	go http.Serve(inner, cri)
	server := &http.Server{Handler: mux, TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}}}
	fmt.Println("serving on", "https://"+listener.Addr().String())
	return server.ServeTLS(listener, "", "")
}

// kubelet has the streaming handlers of k8s.io/kubernetes/pkg/kubelet/server, for one pod with one container.
type kubelet struct{ cri streaming.Server }

func (k kubelet) exec(w http.ResponseWriter, r *http.Request) {
	options, ok := optionsOf(w, r)
	if !ok {
		return
	}
	response, err := k.cri.GetExec(&runtimeapi.ExecRequest{
		ContainerId: "device", Cmd: r.URL.Query()["command"],
		Tty: options.TTY, Stdin: options.Stdin, Stdout: options.Stdout, Stderr: options.Stderr,
	})
	if err != nil {
		streaming.WriteError(err, w)
		return
	}
	stream(w, r, response.Url, options)
}

func (k kubelet) attach(w http.ResponseWriter, r *http.Request) {
	options, ok := optionsOf(w, r)
	if !ok {
		return
	}
	response, err := k.cri.GetAttach(&runtimeapi.AttachRequest{
		ContainerId: "device",
		Tty:         options.TTY, Stdin: options.Stdin, Stdout: options.Stdout, Stderr: options.Stderr,
	})
	if err != nil {
		streaming.WriteError(err, w)
		return
	}
	stream(w, r, response.Url, options)
}

func (k kubelet) portForward(w http.ResponseWriter, r *http.Request) {
	tunnel := wsstream.IsWebSocketRequestWithTunnelingProtocol(r)
	options := &portforward.V4Options{}
	if !tunnel {
		var err error
		if options, err = portforward.NewV4Options(r); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	response, err := k.cri.GetPortForward(&runtimeapi.PortForwardRequest{PodSandboxId: "lamp", Port: options.Ports})
	if err != nil {
		streaming.WriteError(err, w)
		return
	}
	var handler http.Handler = proxyTo(response.Url)
	if tunnel {
		handler = translator.NewTunnelingHandler(handler)
	}
	handler.ServeHTTP(w, r)
}

func optionsOf(w http.ResponseWriter, r *http.Request) (*remotecommand.Options, bool) {
	options, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return nil, false
	}
	return options, true
}

// stream proxies to the runtime; v5 is translated to SPDY on the way.
func stream(w http.ResponseWriter, r *http.Request, location string, options *remotecommand.Options) {
	var handler http.Handler = proxyTo(location)
	if wsstream.IsWebSocketRequestWithStreamCloseProtocol(r) {
		target, _ := url.Parse(location)
		handler = translator.NewStreamTranslatorHandler(target, nil, 0, translator.Options{
			Stdin: options.Stdin, Stdout: options.Stdout, Stderr: options.Stderr, Tty: options.TTY,
		})
	}
	handler.ServeHTTP(w, r)
}

func proxyTo(location string) http.Handler {
	target, _ := url.Parse(location)
	return proxy.NewUpgradeAwareHandler(target, nil, false, true, responder{})
}

type responder struct{}

func (responder) Error(w http.ResponseWriter, _ *http.Request, err error) {
	http.Error(w, err.Error(), http.StatusInternalServerError)
}
