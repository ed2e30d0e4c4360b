package progress

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rivo/uniseg"
	"golang.org/x/sys/unix"
)

// openTerminal returns a terminal of a number of columns, and what it shows.
func openTerminal(t *testing.T, columns int) (terminal, screen *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	fd := int(screen.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(columns)})
	}
	if err == nil {
		terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	return terminal, screen
}

// TestNarrow: no line is wider than the terminal, whatever it shows.
func TestNarrow(t *testing.T) {
	for _, columns := range []int{24, 30, 60, 80, 120} {
		terminal, screen := openTerminal(t, columns)
		b := New(terminal, "steps")
		b.Set(400_000, 750_000, "loss 0.0123, 夜景 12.3 images/s")
		shares := New(terminal, "")
		shares.SetShare(0.5, "2 of 5: "+strings.Repeat("long-name", 20)+".png")
		fmt.Fprintln(terminal, "\nend")
		lines := bufio.NewScanner(screen)
		for lines.Scan() && lines.Text() != "end" {
			for line := range strings.SplitSeq(lines.Text(), "\r") {
				if got := uniseg.StringWidth(line); got >= columns || got > 0 && got < columns/2 {
					t.Errorf("%d columns of %d: %q", got, columns, line)
				}
			}
		}
	}
}
