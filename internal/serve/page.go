package serve

import (
	"embed"
	"net/http"
)

//go:embed page
var page embed.FS

// pageFiles maps the files of the page to their media types.
var pageFiles = map[string]string{
	"page.html": "text/html", "page.css": "text/css", "icon.svg": "image/svg+xml",
	"page.js": "text/javascript", "server.js": "text/javascript", "shot.js": "text/javascript", "zip.js": "text/javascript",
}

// servePage adds the page and its files.
func servePage(mux *http.ServeMux) {
	for name, media := range pageFiles {
		data, err := page.ReadFile("page/" + name)
		if err != nil {
			panic(err) // the files are embedded
		}
		pattern := "GET /" + name
		if name == "page.html" {
			pattern = "GET /{$}"
		}
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", media+"; charset=utf-8")
			_, _ = w.Write(data) // the client may be gone
		})
	}
}
