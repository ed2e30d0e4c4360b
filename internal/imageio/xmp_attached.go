package imageio

import (
	"slices"
	"strings"
)

// attachment is a way in which XMP announces that more pictures, or a video, follow
// this picture in the file. A result has nothing after it.
type attachment struct {
	space string   // all namespaces with this prefix
	names []string // prefixes of the properties' names; nil for all
	what  string
}

var attachments = []attachment{
	{nsHDR, nil, "a gain map"},
	{nsApple + "HDRGainMap/", nil, "a gain map"},
	{nsApple + "pixeldatainfo/", nil, "a gain map"},
	{nsPhoto + "camera/", []string{"MotionPhoto", "MicroVideo"}, "a motion photo"},
	{"http://ns.oplus.com/photos/1.0/camera/", nil, "a motion photo"},
	{"http://ns.xiaomi.com/photos/1.0/camera/", nil, "a motion photo"},
	{nsPhoto + "container/", nil, "attached files"},
	{"http://ns.google.com/photos/dd/", nil, "a depth map"},
}

// announces returns what a property announces, "" if nothing.
func announces(p property) string {
	for _, a := range attachments {
		if strings.HasPrefix(p.space, a.space) && (a.names == nil ||
			slices.ContainsFunc(a.names, func(n string) bool { return strings.HasPrefix(p.name, n) })) {
			return a.what
		}
	}
	return ""
}

// cutAnnouncements makes edits and removes announcements of attachments. Declarations
// of their namespaces stay, which announce nothing.
func cutAnnouncements(xmp []byte, properties []property, edits []edit) (out []byte, note string) {
	var gone []string
	for _, p := range properties {
		what := announces(p)
		if what == "" {
			continue
		}
		edits = append(edits, edit{stretch: p.whole})
		gone = appendNew(gone, what)
	}
	if len(gone) > 0 {
		note = "XMP's mention of " + strings.Join(gone, " and ") + " was taken out, since only the picture itself is kept"
	}
	return apply(xmp, edits), note
}
