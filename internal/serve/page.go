package serve

import (
	"embed"
	"net/http"
)

//go:embed page
var page embed.FS

// pageFiles are the files of the page, and what they are.
var pageFiles = map[string]string{
	"page.html": "text/html", "page.css": "text/css", "icon.svg": "image/svg+xml",
	"page.js": "text/javascript", "server.js": "text/javascript", "shot.js": "text/javascript", "zip.js": "text/javascript",
}

// servePage adds the page and its parts.
func servePage(mux *http.ServeMux) {
	for name, media := range pageFiles {
		data, err := page.ReadFile("page/" + name)
		if err != nil {
			panic(err) // it is part of the program
		}
		pattern := "GET /" + name
		if name == "page.html" {
			pattern = "GET /{$}"
		}
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", media+"; charset=utf-8")
			_, _ = w.Write(data) // a client that is gone cannot be told
		})
	}
}
