// Package style holds the tests of what the compiler cannot check: which package may
// import which, and how long files and functions may be.
package style
