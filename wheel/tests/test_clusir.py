"""Tests of the package with the program that CLUSIR_PROGRAM names: python -m unittest."""

import contextlib
import email.utils
import http.server
import os
import pathlib
import re
import threading
import time
import unittest
import unittest.mock
import urllib.request

import numpy as np

import clusir
from clusir import _tiff


def noisy(height=40, width=33, channels=3, seed=0):
    """Return a smooth picture with noise, and without."""
    y, x = np.mgrid[:height, :width]
    clean = np.stack([0.5 + 0.3 * np.sin(x / (5 + c)) * np.cos(y / 9) for c in range(channels)], axis=2)
    return np.clip(clean + np.random.default_rng(seed).normal(0, 0.1, clean.shape), 0, 1), clean


def as_type(picture, dtype):
    return picture.astype(dtype) if dtype == np.float32 else np.rint(picture * np.iinfo(dtype).max).astype(dtype)


def error(a, b):
    scale = 1 if a.dtype == np.float32 else np.iinfo(a.dtype).max
    return float(np.square(a[..., :3] / scale - b[..., : min(3, b.shape[-1])]).mean())


@contextlib.contextmanager
def busy(after):
    """Run a server whose queue is full for the first request."""

    class Handler(http.server.BaseHTTPRequestHandler):
        asked = 0

        def do_GET(self):
            Handler.asked += 1
            self.send_response(503 if Handler.asked == 1 else 200)
            if after is not None:
                self.send_header("Retry-After", after)
            self.end_headers()
            self.wfile.write(b'{"error": "the queue is full", "models": []}')

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class TIFF(unittest.TestCase):
    def test_round_trip(self):
        for dtype in (np.uint8, np.uint16):
            for shape in ((1, 1, 1), (3, 5, 1), (3, 5, 3), (2, 7, 4)):
                pixels = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
                back = _tiff.decode(_tiff.encode(pixels))
                self.assertEqual(back.dtype, dtype)
                np.testing.assert_array_equal(back, pixels)

    def test_other_order(self):
        pixels = np.arange(12, dtype=">u2").reshape(2, 2, 3) * 1000
        np.testing.assert_array_equal(_tiff.decode(_tiff.encode(pixels)), pixels)


class Restore(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = clusir.Server("--threads", "1")

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def test_types(self):
        """Less noise is left, in every type and layout; shape, type and alpha stay."""
        for dtype in (np.uint8, np.uint16, np.float32):
            for channels in (1, 3, 4):
                picture, clean = noisy(channels=channels)
                if channels == 4:
                    picture[..., 3] = clean[..., 3] = 0.25
                image = as_type(picture, dtype)
                out = self.server.restore(image)
                with self.subTest(dtype=dtype, channels=channels):
                    self.assertEqual((out.shape, out.dtype), (image.shape, image.dtype))
                    self.assertLess(error(out, clean), 0.7 * error(image, clean))
                    if channels == 4:
                        np.testing.assert_allclose(out[..., 3], image[..., 3], atol=1e-5)

    def test_grey_plane(self):
        image = as_type(noisy(channels=1)[0], np.uint8)
        np.testing.assert_array_equal(self.server.restore(image[:, :, 0]), self.server.restore(image)[:, :, 0])

    def test_views(self):
        """A non-contiguous array gives the same result as its copy."""
        image = as_type(noisy(80, 66)[0], np.uint8)[::2, ::-2]
        np.testing.assert_array_equal(self.server.restore(image), self.server.restore(image.copy()))

    def test_byte_order(self):
        """Arrays in the other byte order, such as those of FITS files, keep it."""
        for dtype in (np.uint16, np.float32):
            image = as_type(noisy()[0], dtype)
            other = image.astype(image.dtype.newbyteorder("S"))
            out = self.server.restore(other)
            self.assertEqual(out.dtype, other.dtype)
            np.testing.assert_array_equal(out, self.server.restore(image))

    def test_the_program_agrees(self):
        image = as_type(noisy()[0], np.uint16)
        np.testing.assert_array_equal(clusir.restore(image, strength=0.5), self.server.restore(image, strength=0.5))

    def test_strength(self):
        image = as_type(noisy()[0], np.float32)
        np.testing.assert_allclose(self.server.restore(image, strength=0), image, atol=1e-5)

    def test_threads(self):
        images = [as_type(noisy(seed=s)[0], np.uint8) for s in range(6)]
        results = [None] * len(images)

        def run(i):
            results[i] = self.server.restore(images[i])

        threads = [threading.Thread(target=run, args=(i,)) for i in range(len(images))]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        for image, result in zip(images, results):
            np.testing.assert_array_equal(result, self.server.restore(image))

    def test_no_pictures(self):
        good = as_type(noisy()[0], np.float32)
        for wrong, kind, want in (
            (good.astype(np.float64), TypeError, "float64"),
            ([[1, 2]], TypeError, "list"),
            (good[None], ValueError, r"\[1, 40, 33, 3\]"),
            (good[:, :, :2], ValueError, r"\[40, 33, 2\]"),
            (good[:0], ValueError, r"\[0, 33, 3\]"),
            (good * 255, ValueError, "in 0..1"),
            (good + np.float32("nan"), ValueError, "NaN"),
        ):
            with self.subTest(want=want), self.assertRaisesRegex(kind, want):
                clusir.restore(wrong)

    def test_errors(self):
        image = as_type(noisy()[0], np.uint8)
        for restore in (clusir.restore, self.server.restore):
            with self.subTest(restore=restore), self.assertRaisesRegex(clusir.Error, "strength"):
                restore(image, strength=2)
            with self.subTest(restore=restore), self.assertRaisesRegex(clusir.Error, "nanno"):
                restore(image, model="nanno")

    def test_models(self):
        self.assertIn("nano", str(self.server.models()[0]))


class Servers(unittest.TestCase):
    def test_flag_that_is_none(self):
        with self.assertRaisesRegex(clusir.Error, "there is no flag --nonsense"):
            clusir.Server("--nonsense")

    def test_nobody_there(self):
        with self.assertRaisesRegex(clusir.Error, "no answer from"):
            clusir.Server(url="http://127.0.0.1:9").restore(as_type(noisy()[0], np.uint8))

    def test_url_and_flags(self):
        with self.assertRaises(ValueError):
            clusir.Server("--threads", "1", url="http://127.0.0.1:9")

    def test_proxy(self):
        """A server on this machine is not asked for through a proxy."""
        self.addCleanup(urllib.request.install_opener, None)
        with unittest.mock.patch.dict(os.environ, {"http_proxy": "http://127.0.0.1:9", "no_proxy": ""}):
            urllib.request.install_opener(None)  # it remembers the proxies of its first request
            with clusir.Server("--threads", "1") as server:
                self.assertEqual(server.models()[0]["name"], "nano")

    def test_token_of_a_file(self):
        """The line end of a file is not part of the token."""
        with busy(None) as url:
            self.assertEqual(clusir.Server(url=url, token="0123456789abcdef\n").models(), [])

    def test_url_without_scheme(self):
        with self.assertRaisesRegex(ValueError, "url 127.0.0.1:8080: begin it with http:// or https://"):
            clusir.Server(url="127.0.0.1:8080")

    def test_another_program(self):
        with unittest.mock.patch.dict(os.environ, CLUSIR_PROGRAM="true"), self.assertRaisesRegex(clusir.Error, "wrote no TIFF"):
            clusir.restore(as_type(noisy()[0], np.uint8))

    def test_program_that_is_none(self):
        for named in ("/nonexistent", os.path.dirname(__file__)):
            for start in (lambda: clusir.restore(as_type(noisy()[0], np.uint8)), clusir.Server):
                with self.subTest(named), unittest.mock.patch.dict(os.environ, CLUSIR_PROGRAM=named):
                    with self.assertRaisesRegex(clusir.Error, "CLUSIR_PROGRAM names .*, which is no program"):
                        start()

    def test_retry_after(self):
        """A busy server is asked again, whichever form its Retry-After has."""
        now = email.utils.formatdate(usegmt=True)
        later = email.utils.formatdate(time.time() + 1e6, usegmt=True)
        for after in ("0", "0.01", now, "", "soon", "nan", "-5", None):
            with self.subTest(after), busy(after) as url:
                self.assertEqual(clusir.Server(url=url, timeout=10).models(), [])
        for after in (later, "1e6", "inf"):
            with self.subTest(after), busy(after) as url, self.assertRaisesRegex(clusir.Error, "the queue is full"):
                clusir.Server(url=url, timeout=10).models()

    def test_close_twice(self):
        server = clusir.Server("--threads", "1")
        server.close()
        server.close()


class Readme(unittest.TestCase):
    def test_example(self):
        """What README.md shows does what it says."""
        text = (pathlib.Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
        (code,) = re.findall("```python\n(.*?)```", text, re.DOTALL)
        image = as_type(noisy()[0], np.uint8)
        names = {"noisy": image, "pictures": [image[:, :, 0], image]}
        exec(code, names)
        self.assertEqual((names["clean"].shape, names["clean"].dtype), (image.shape, image.dtype))
        self.assertEqual(names["clean"].tolist(), clusir.restore(image, strength=0.8).tolist())


if __name__ == "__main__":
    unittest.main()
