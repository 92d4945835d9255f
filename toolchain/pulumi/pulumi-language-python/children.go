package main

import (
	"context"
	"maps"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// grace is what a child gets between SIGTERM and SIGKILL to finish the operation in hand: one second less than the
// engine gives us.
const grace = 4 * time.Second

// children are the Python processes that this host started: programs, plugins and policy packs.
type children struct {
	starts chan func()
	mutex  sync.Mutex
	groups map[int]chan struct{}
}

// newChildren starts the one thread that forks. The kernel sends a child its parent-death signal when the *thread* that
// forked it ends, and only a locked thread is sure to live as long as the process.
func newChildren() *children {
	c := &children{starts: make(chan func()), groups: map[int]chan struct{}{}}
	go func() {
		runtime.LockOSThread()
		for start := range c.starts {
			start()
		}
	}()
	return c
}

// start starts cmd in a process group of its own, so that a SIGINT for our group reaches it through us only.
func (c *children) start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	// Without a bound, a grandchild that keeps our pipe open would hold Wait, and the engine, for ever.
	cmd.WaitDelay = grace
	failed := make(chan error, 1)
	c.starts <- func() { failed <- cmd.Start() }
	if err := <-failed; err != nil {
		return err
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.groups[cmd.Process.Pid] = make(chan struct{})
	return nil
}

// wait waits for a started command, ending it when the engine cancels the call.
func (c *children) wait(ctx context.Context, cmd *exec.Cmd) error {
	pid := cmd.Process.Pid
	c.mutex.Lock()
	gone := c.groups[pid]
	c.mutex.Unlock()
	stop := context.AfterFunc(ctx, func() { end(pid, gone) })
	defer stop()
	err := cmd.Wait()
	c.mutex.Lock()
	delete(c.groups, pid)
	c.mutex.Unlock()
	close(gone)
	return err
}

// endAll ends every child, all at the same time, and returns when the last is gone.
func (c *children) endAll() {
	c.mutex.Lock()
	running := maps.Clone(c.groups)
	c.mutex.Unlock()
	var ending sync.WaitGroup
	for pid, gone := range running {
		ending.Go(func() { end(pid, gone) })
	}
	ending.Wait()
}

func end(pid int, gone <-chan struct{}) {
	_ = syscall.Kill(-pid, syscall.SIGTERM)
	select {
	case <-gone:
	case <-time.After(grace):
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
}
