"""Small pictures for internal/imageio/testdata, and how libjpeg, libtiff and libwebp
decode them.

    python3 -m pip install --target build/fixtures pillow tifffile imagecodecs
    PYTHONPATH=build/fixtures python3 scripts/imageio_fixtures.py internal/imageio/testdata [GROUP...]

Without groups, makes all. "sampled" needs cjpeg and djpeg of libjpeg-turbo-progs. Each
NAME.EXT comes with NAME.expected.png, the picture as it should be read: decoded by the
reference library, upright, 8 or 16 bits.
"""

import io
import subprocess
import sys
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
from PIL import Image, ImageOps, TiffImagePlugin

H, W = 29, 37
rng = np.random.default_rng(3)


def scene(h=H, w=W, channels=3):
    """Waves and a hard saturated edge, which shows wrong chroma."""
    y, x = np.mgrid[0:h, 0:w]
    waves = [40 + 150 * x / w + 40 * np.sin(y / 3), 200 - 120 * y / h + 30 * np.cos(x / 2),
             128 + 100 * np.sin((x + y) / 5), 255 * x / w]
    a = np.stack(waves[:channels], 2)
    a[h // 4 : h // 2, w // 5 : w // 2] = [250, 10, 30, 0][:channels]
    return np.clip(a + rng.normal(0, 4, a.shape), 0, 255).astype(np.uint8)


def deep(channels):
    return (scene(channels=channels).astype(np.uint16) << 8) | rng.integers(
        0, 256, (H, W, channels), dtype=np.uint16)


def put(name, data, expected=None):
    """Writes a fixture and the expected picture, by default as Pillow reads it."""
    (OUT / name).write_bytes(data)
    if expected is None:
        expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    path = OUT / (name.rsplit(".", 1)[0] + ".expected.png")
    path.write_bytes(imagecodecs.png_encode(np.ascontiguousarray(expected), level=9))


def pil(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def jpegs():
    for sampling in ["444", "422", "420", "440", "411"]:
        put(f"jpeg_{sampling}.jpg", imagecodecs.jpeg8_encode(scene(), level=88, subsampling=sampling))
    # Chroma of two columns, which libjpeg does not interpolate.
    put("jpeg_narrow.jpg", imagecodecs.jpeg8_encode(scene(6, 4), level=88, subsampling="420"))
    picture = Image.fromarray(scene())
    put("jpeg_progressive.jpg", pil(picture, "JPEG", quality=85, progressive=True, subsampling=2))
    put("jpeg_restarts.jpg", pil(picture, "JPEG", quality=85, restart_marker_blocks=2))
    put("jpeg_grey.jpg", pil(picture.convert("L"), "JPEG", quality=85))
    cmyk = pil(picture.convert("CMYK"), "JPEG", quality=92)
    put("jpeg_cmyk.jpg", cmyk, np.asarray(Image.open(io.BytesIO(cmyk)).convert("RGB")))
    exif = Image.Exif()
    exif[0x0112] = 6
    put("jpeg_orientation6.jpg", pil(picture, "JPEG", quality=90, exif=exif))


def tiffs():
    def tiff(name, a, **options):
        out = io.BytesIO()
        tifffile.imwrite(out, a, metadata=None, **options)
        put(f"tiff_{name}.tif", out.getvalue(), a)

    tiff("rgb8_strips", scene(), photometric="rgb", rowsperstrip=5)
    tiff("rgb8_lzw", scene(), photometric="rgb", compression="lzw", predictor=True)
    tiff("rgb8_packbits", scene(), photometric="rgb", compression="packbits")
    tiff("rgb8_tiles", scene(40, 50), photometric="rgb", tile=(16, 32), compression="zlib")
    tiff("rgb16_tiles", deep(3), photometric="rgb", tile=(16, 16))
    tiff("rgb16_deflate", deep(3), photometric="rgb", compression="zlib", predictor=True)
    tiff("rgb16_big", deep(3), photometric="rgb", byteorder=">")
    tiff("grey8", scene()[:, :, 0], photometric="minisblack")
    tiff("grey16", deep(1)[:, :, 0], photometric="minisblack", rowsperstrip=7)
    tiff("rgba8", scene(channels=4), photometric="rgb", extrasamples=["unassalpha"])
    tiff("rgba16", deep(4), photometric="rgb", extrasamples=["unassalpha"])


def webps():
    picture = Image.fromarray(scene())
    put("webp_lossy.webp", pil(picture, "WEBP", quality=85, method=4))
    put("webp_lossy_even.webp", pil(Image.fromarray(scene(30, 38)), "WEBP", quality=85))
    put("webp_lossless.webp", pil(picture, "WEBP", lossless=True))
    alpha = Image.fromarray(scene(channels=4))
    put("webp_alpha.webp", pil(alpha, "WEBP", quality=90, exact=True))
    put("webp_lossless_alpha.webp", pil(alpha, "WEBP", lossless=True, exact=True))


def bmps():
    picture = Image.fromarray(scene())
    put("bmp_rgb.bmp", pil(picture, "BMP"))
    paletted = picture.quantize(40)
    put("bmp_palette.bmp", pil(paletted, "BMP"), np.asarray(paletted.convert("RGB")))


def faxes():
    """Black and white, as fax machines and scanners compress it."""
    y, x = np.mgrid[0:H, 0:W]
    page = Image.fromarray(((x * x + 3 * y * y) % 37 < 20) | (y < 3)).convert("1")
    grey = np.asarray(page.convert("L"))
    for name, compression in [("fax3", "group3"), ("fax4", "group4"), ("bw", "raw"), ("bw_lzw", "tiff_lzw"),
                              ("bw_packbits", "packbits"), ("bw_deflate", "tiff_adobe_deflate")]:
        put(f"tiff_{name}.tif", pil(page, "TIFF", compression=compression), grey)
    for compression in ("group3", "group4", "raw"):
        put(f"tiff_white_is_zero_{compression}.tif", pil(page, "TIFF", compression=compression, tiffinfo={262: 0}), grey)
    whole, TiffImagePlugin.STRIP_SIZE = TiffImagePlugin.STRIP_SIZE, 7 * ((W + 7) // 8)  # of seven rows
    for compression in ("group3", "group4"):
        put(f"tiff_strips_{compression}.tif", pil(page, "TIFF", compression=compression), grey)
    TiffImagePlugin.STRIP_SIZE = whole
    # Aligned line ends.
    put("tiff_fax3_options4.tif", pil(page, "TIFF", compression="group3", tiffinfo={292: 4}), grey)
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[266] = 2  # FillOrder
    put("tiff_fax4_low_first.tif", pil(page, "TIFF", compression="group4", tiffinfo=tags), grey)
    # Runs of all lengths, including 1792 pixels and more.
    bounds = np.cumsum([0, 1, 63, 64, 65, 1791, 1792, 2, 2560, 1, 2623, 640, 7, 1])
    long = np.zeros((5, bounds[-1]), bool)
    for row in range(5):
        for at in bounds[row % 2 :: 2]:
            long[row, at + row :] ^= True
    page = Image.fromarray(long)
    for compression in ("group3", "group4"):
        put(f"tiff_long_{compression}.tif", pil(page, "TIFF", compression=compression), np.asarray(page.convert("L")))


def sampled():
    """Rare sampling factors, written by cjpeg and read by djpeg."""
    ppm = pil(Image.fromarray(scene()), "PPM")
    for factors in ["1x4", "3x1", "2x2,1x2", "4x2", "1x1,2x2,1x1", "2x1,2x1,1x1"]:
        for kind in ("-baseline", "-progressive"):
            jpeg = subprocess.run(["cjpeg", "-quality", "85", kind, "-sample", factors], input=ppm,
                                  stdout=subprocess.PIPE, check=True).stdout
            read = subprocess.run(["djpeg", "-pnm"], input=jpeg, stdout=subprocess.PIPE, check=True).stdout
            name = f"jpeg_s{factors.replace(',', '_')}{kind.replace('-', '_')}.jpg"
            put(name, jpeg, np.asarray(Image.open(io.BytesIO(read))))


def inks():
    picture = scene(channels=4)
    ycck = imagecodecs.jpeg8_encode(picture, level=90, colorspace="CMYK", outcolorspace="YCCK")
    put("jpeg_ycck.jpg", ycck, np.asarray(Image.open(io.BytesIO(ycck)).convert("RGB")))
    rgb = imagecodecs.jpeg8_encode(scene(), level=90, colorspace="RGB", outcolorspace="RGB")
    put("jpeg_rgb.jpg", rgb)


OUT = Path(sys.argv[1])
OUT.mkdir(parents=True, exist_ok=True)
groups = (jpegs, tiffs, webps, bmps, faxes, sampled, inks)
for make in groups:
    if not sys.argv[2:] or make.__name__ in sys.argv[2:]:
        make()
