// Package tensorboard writes event files for TensorBoard: numbers and pictures over the
// steps of a run.
//
// A file is a sequence of TFRecords, each one an Event message of TensorFlow's
// event.proto. The few fields in use are written with protobuf's wire package, so that
// TensorFlow's definitions, which no small module contains, are not needed.
package tensorboard

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Fields of event.proto and summary.proto.
const (
	eventWallTime    = 1 // double, seconds since 1970
	eventStep        = 2 // int64
	eventFileVersion = 3 // string
	eventSummary     = 5 // Summary
	eventSessionLog  = 7 // SessionLog

	summaryValue = 1 // repeated Value

	valueTag    = 1 // string
	valueSimple = 2 // float
	valueImage  = 4 // Image

	imageHeight     = 1 // int32
	imageWidth      = 2 // int32
	imageColorspace = 3 // int32
	imageEncoded    = 4 // bytes

	sessionStatus = 1 // SessionLog.SessionStatus
)

const (
	fileVersion  = "brain.Event:2"
	sessionStart = 1 // what other files say about this step and later ones is void
	rgb          = 3
)

// Scalar is a named number. Slashes in names make groups.
type Scalar struct {
	Tag   string
	Value float64
}

// Writer appends events to its own file. An event is on disk, as far as the operating
// system promises, when its call returns.
type Writer struct{ f *os.File }

// Create begins an event file in dir for a run that has completed the given number of
// steps. It voids what older files in dir say about later steps: a run that continues
// from a checkpoint makes them again.
func Create(dir string, step int, now time.Time) (*Writer, error) {
	// TensorBoard reads all files with tfevents in their names, in name order. The
	// seconds come first, as usual.
	name := fmt.Sprintf("events.out.tfevents.%010d.%09d", now.Unix(), now.Nanosecond())
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, fmt.Errorf("cannot write for TensorBoard: %w", err)
	}
	w := &Writer{f}
	err = w.event(0, now, appendString(nil, eventFileVersion, fileVersion))
	if err == nil && step > 0 {
		status := appendVarint(nil, sessionStatus, sessionStart)
		err = w.event(step+1, now, appendMessage(nil, eventSessionLog, status))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return w, nil
}

// Scalars writes numbers of a step. It leaves out those that are not finite, which
// TensorBoard cannot show.
func (w *Writer) Scalars(step int, at time.Time, values []Scalar) error {
	var summary []byte
	for _, s := range values {
		if math.IsNaN(s.Value) || math.IsInf(s.Value, 0) {
			continue
		}
		value := appendString(nil, valueTag, s.Tag)
		value = protowire.AppendTag(value, valueSimple, protowire.Fixed32Type)
		value = protowire.AppendFixed32(value, math.Float32bits(float32(s.Value)))
		summary = appendMessage(summary, summaryValue, value)
	}
	return w.event(step, at, appendMessage(nil, eventSummary, summary))
}

// Image writes a named picture of a step.
func (w *Writer) Image(step int, at time.Time, tag string, m image.Image) error {
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, m); err != nil {
		return fmt.Errorf("picture %s for TensorBoard: %w", tag, err)
	}
	picture := appendVarint(nil, imageHeight, uint64(m.Bounds().Dy()))
	picture = appendVarint(picture, imageWidth, uint64(m.Bounds().Dx()))
	picture = appendVarint(picture, imageColorspace, rgb)
	picture = appendMessage(picture, imageEncoded, encoded.Bytes())
	value := appendMessage(appendString(nil, valueTag, tag), valueImage, picture)
	return w.event(step, at, appendMessage(nil, eventSummary, appendMessage(nil, summaryValue, value)))
}

// Close ends the file.
func (w *Writer) Close() error { return w.f.Close() }

// event writes a record with an Event that contains what.
func (w *Writer) event(step int, at time.Time, what []byte) error {
	e := protowire.AppendTag(nil, eventWallTime, protowire.Fixed64Type)
	e = protowire.AppendFixed64(e, math.Float64bits(float64(at.UnixNano())/1e9))
	if step != 0 {
		e = appendVarint(e, eventStep, uint64(step))
	}
	if _, err := w.f.Write(record(append(e, what...))); err != nil {
		return fmt.Errorf("cannot write for TensorBoard: %w", err)
	}
	return nil
}

// record frames data as a TFRecord: length, its checksum, data, its checksum, all
// little-endian.
func record(data []byte) []byte {
	r := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	r = binary.LittleEndian.AppendUint32(r, maskedCRC(r))
	r = append(r, data...)
	return binary.LittleEndian.AppendUint32(r, maskedCRC(data))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// maskedCRC returns CRC-32C rotated and shifted, so that a checksum of data that
// contain checksums is a good one.
func maskedCRC(b []byte) uint32 {
	c := crc32.Checksum(b, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

func appendVarint(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

func appendString(b []byte, field protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

func appendMessage(b []byte, field protowire.Number, m []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), m)
}
