// Command streaming-peer is what motelet's streaming is compared with: `serve` answers exec, attach and port-forward as a
// kubelet does, over cri-streaming and a runtime of a few commands; `run` plays one script with client-go's clients
// against any server and prints what it saw, one JSON object a line.
package main

import (
	"fmt"
	"os"
)

func main() {
	var err error
	switch {
	case len(os.Args) == 2 && os.Args[1] == "serve":
		err = serve()
	case len(os.Args) == 3 && os.Args[1] == "run":
		err = run(os.Args[2])
	default:
		err = fmt.Errorf("usage: streaming-peer serve | run <base URL>")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
