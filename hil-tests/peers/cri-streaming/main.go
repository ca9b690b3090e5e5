// Command streaming-peer is what motelet's streaming is compared with: `serve` answers exec, attach and port-forward as a
// kubelet does (`serve tls`: to an API server), over cri-streaming and a runtime of a few commands; `run` plays one script
// with client-go's clients against any server and prints what it saw, one JSON object a line.
package main

import (
	"fmt"
	"os"
)

func main() {
	var err error
	switch {
	case len(os.Args) == 2 && os.Args[1] == "serve":
		err = serve(false)
	case len(os.Args) == 3 && os.Args[1] == "serve" && os.Args[2] == "tls":
		err = serve(true)
	case len(os.Args) == 3 && os.Args[1] == "run":
		err = run(os.Args[2])
	default:
		err = fmt.Errorf("usage: streaming-peer serve [tls] | run <base URL>")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
