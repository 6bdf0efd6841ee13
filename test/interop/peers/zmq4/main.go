// The peer program on go-zeromq's zmq4; ../../README.md has its lines.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/plain"
)

const octetsSize = 1024*1024 + 65536

var (
	octets = makeOctets()
	kinds  = map[string]func(context.Context, ...zmq4.Option) zmq4.Socket{
		"REQ": zmq4.NewReq, "REP": zmq4.NewRep, "DEALER": zmq4.NewDealer, "ROUTER": zmq4.NewRouter,
		"PUB": zmq4.NewPub, "SUB": zmq4.NewSub, "XPUB": zmq4.NewXPub, "XSUB": zmq4.NewXSub,
		"PUSH": zmq4.NewPush, "PULL": zmq4.NewPull, "PAIR": zmq4.NewPair,
	}
	errLate = errors.New("it did not happen in time")
)

// The library does not have it.
type missing string

func (m missing) Error() string { return string(m) }

type incoming struct {
	msg zmq4.Msg
	err error
}

type peer struct {
	socket   zmq4.Socket
	kind     string
	server   bool // of PLAIN
	secure   bool
	cancel   context.CancelFunc
	options  []zmq4.Option
	timeout  time.Duration
	kept     [][]byte
	incoming chan incoming // of a receive that has begun; null: none has
}

func makeOctets() []byte {
	out := make([]byte, octetsSize)
	x := uint32(1)
	for i := range out {
		x = x*1664525 + 1013904223
		out[i] = byte(x >> 24)
	}
	return out
}

func (p *peer) reset() { *p = peer{timeout: 10 * time.Second} }

// The parts that words mean; * and ** stand for what was kept.
func (p *peer) parts(words []string) ([][]byte, error) {
	var out [][]byte
	for _, word := range words {
		switch {
		case word[0] == '*':
			out = append(out, p.kept...)
		case word[0] == '=':
			part, err := hex.DecodeString(word[1:])
			if err != nil {
				return nil, err
			}
			out = append(out, part)
		default:
			first, second, _ := strings.Cut(word, ":")
			seed, err := strconv.Atoi(first)
			if err != nil {
				return nil, err
			}
			size, err := strconv.Atoi(second)
			if err != nil {
				return nil, err
			}
			out = append(out, octets[seed:seed+size])
		}
	}
	return out, nil
}

// *: keeps the first part. **: keeps all parts up to the first empty one.
func (p *peer) keep(frames [][]byte, word string) {
	p.kept = nil
	for _, frame := range frames {
		p.kept = append(p.kept, append([]byte{}, frame...))
		if word == "*" || len(frame) == 0 {
			return
		}
	}
}

func (p *peer) open(words []string) error {
	open, ok := kinds[words[0]]
	if !ok {
		return missing(words[0] + ": zmq4 has no such socket")
	}
	switch {
	case words[1] == "null":
	case strings.HasPrefix(words[1], "plain-"):
		p.secure, p.server = true, words[1] == "plain-server"
		p.options = append(p.options, zmq4.WithSecurity(plain.Security(words[2], words[3])))
	default:
		return missing("zmq4 has no CURVE")
	}
	var ctx context.Context
	ctx, p.cancel = context.WithCancel(context.Background())
	options := append(p.options, zmq4.WithDialerRetry(50*time.Millisecond), zmq4.WithDialerMaxRetries(-1), zmq4.WithTimeout(10*time.Second))
	p.kind, p.socket = words[0], open(ctx, options...)
	return nil
}

func (p *peer) option(words []string) error {
	switch words[0] {
	case "timeout":
		ms, err := strconv.Atoi(words[1])
		p.timeout = time.Duration(ms) * time.Millisecond
		return err
	case "routing-id":
		id, err := hex.DecodeString(words[1])
		p.options = append(p.options, zmq4.WithID(zmq4.SocketIdentity(id)))
		return err
	case "reconnect": // not without need: one that listens would dial its own endpoint
		p.options = append(p.options, zmq4.WithAutomaticReconnect(true))
		return nil
	case "heartbeat":
		return missing("zmq4 sends no heartbeats")
	}
	return missing("such option")
}

func (p *peer) bind(endpoint string) (string, error) {
	if err := p.socket.Listen(strings.Replace(endpoint, ":*", ":0", 1)); err != nil {
		return "", err
	}
	if strings.HasPrefix(endpoint, "tcp:") {
		return "tcp://" + p.socket.Addr().String(), nil
	}
	return endpoint, nil
}

func (p *peer) send(words []string) error {
	parts, err := p.parts(words)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	end := time.Now().Add(p.timeout)
	go func() {
		for {
			err := p.socket.SendMulti(zmq4.NewMsgFrom(parts...))
			// A REQ does not wait for somebody to send to.
			if err == nil || !strings.Contains(err.Error(), "no connections available") || time.Now().After(end) {
				done <- err
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(p.timeout):
		return errLate
	}
}

// A receive that came too late goes on, and the next one takes what it brings.
func (p *peer) receive(left time.Duration) (zmq4.Msg, error) {
	if p.incoming == nil {
		p.incoming = make(chan incoming, 1)
		socket, out := p.socket, p.incoming
		go func() {
			msg, err := socket.Recv()
			out <- incoming{msg, err}
		}()
	}
	select {
	case in := <-p.incoming:
		p.incoming = nil
		return in.msg, in.err
	case <-time.After(left):
		return zmq4.Msg{}, errLate
	}
}

func equal(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

func (p *peer) recv(words []string, until bool) error {
	end := time.Now().Add(p.timeout)
	for {
		msg, err := p.receive(time.Until(end))
		if err != nil && until && !errors.Is(err, errLate) {
			time.Sleep(5 * time.Millisecond) // a connection that ended is no message, and another may come
			continue
		}
		if err != nil {
			return err
		}
		if words[0][0] == '*' {
			p.keep(msg.Frames, words[0])
		}
		meant, err := p.parts(words)
		if err != nil || equal(msg.Frames, meant) {
			return err
		}
		if !until {
			var sizes []int
			for _, frame := range msg.Frames {
				sizes = append(sizes, len(frame))
			}
			return fmt.Errorf("parts of %v octets, not %s", sizes, strings.Join(words, " "))
		}
	}
}

func (p *peer) close() error {
	var err error
	if p.socket != nil {
		err = p.socket.Close()
		if errors.Is(err, net.ErrClosed) {
			err = nil // it tells of connections that had ended before
		}
		p.cancel()
	}
	p.reset()
	return err
}

func version() string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == "github.com/go-zeromq/zmq4" {
			return "go-zeromq/zmq4 " + module.Version
		}
	}
	return "go-zeromq/zmq4"
}

func (p *peer) act(verb string, words []string) (string, error) {
	switch verb {
	case "version":
		return version(), nil
	case "option":
		return "", p.option(words)
	case "open":
		return "", p.open(words)
	case "close":
		return "", p.close()
	}
	if p.socket == nil {
		return "", errors.New("no socket is open")
	}
	if (verb == "bind" || verb == "connect") && p.secure && p.server != (verb == "bind") {
		return "", missing("zmq4's listener is always the server of PLAIN")
	}
	switch verb {
	case "bind":
		return p.bind(words[0])
	case "connect":
		return "", p.socket.Dial(words[0])
	case "subscribe", "cancel":
		topic, err := p.parts(words)
		if err != nil {
			return "", err
		}
		name := map[string]string{"subscribe": zmq4.OptionSubscribe, "cancel": zmq4.OptionUnsubscribe}[verb]
		return "", p.socket.SetOption(name, string(topic[0]))
	case "send":
		return "", p.send(words)
	case "recv", "until":
		if p.kind == "XPUB" {
			return "", missing("zmq4's XPUB does not tell of subscriptions")
		}
		return "", p.recv(words, verb == "until")
	}
	return "", missing("such line")
}

func main() {
	var p peer
	p.reset()
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<16), 1<<20)
	for in.Scan() {
		words := strings.Fields(in.Text())
		text, err := p.act(words[0], words[1:])
		word := "ok"
		var no missing
		if errors.As(err, &no) {
			word, text = "no", err.Error()
		} else if err != nil && strings.Contains(err.Error(), "unknown transport") {
			word, text = "no", "zmq4 has no such transport"
		} else if errors.Is(err, errLate) {
			word, text = "timeout", err.Error()
		} else if err != nil {
			word, text = "error", err.Error()
		}
		fmt.Println(strings.TrimSpace(word + " " + strings.ReplaceAll(text, "\n", " ")))
	}
}
