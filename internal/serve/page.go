package serve

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"strings"

	"clusir/internal/imageio"
)

//go:embed page
var page embed.FS

var pageTemplate = template.Must(template.ParseFS(page, "page/page.html"))

// pageFiles maps the files of the page to their media types.
var pageFiles = map[string]string{
	"page.html": "text/html", "page.css": "text/css", "icon.svg": "image/svg+xml",
	"page.js": "text/javascript", "server.js": "text/javascript", "shot.js": "text/javascript", "zip.js": "text/javascript",
}

func pageHandlers() map[string]http.HandlerFunc {
	handlers := map[string]http.HandlerFunc{}
	for name, media := range pageFiles {
		data, err := page.ReadFile("page/" + name)
		if err != nil {
			panic(err) // the files are embedded
		}
		pattern := "GET /" + name
		if name == "page.html" {
			pattern, data = "GET /{$}", pageText()
		}
		handlers[pattern] = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", media+"; charset=utf-8")
			_, _ = w.Write(data) // the client may be gone
		}
	}
	return handlers
}

// pageText returns the page, which lists the formats.
func pageText() []byte {
	var types []string
	for _, f := range imageio.Formats {
		types = append(append(types, f.MediaType()), f.Exts()...)
	}
	var text bytes.Buffer
	err := pageTemplate.Execute(&text, map[string]any{"Formats": imageio.Formats, "Kinds": imageio.Kinds(), "Accept": strings.Join(types, ",")})
	if err != nil {
		panic(err) // it depends on nothing from outside
	}
	return text.Bytes()
}
