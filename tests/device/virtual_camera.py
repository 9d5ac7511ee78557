"""Lets picamera2, unchanged, run on libcamera's virtual camera: supplies what a Pi has and a plain machine lacks.

Imported before anything else of the test (as sitecustomize), it touches no file of picamera2 or libcamera:

- `pykms`, which shows previews and is imported at the top of picamera2, is an empty module;
- a raw stream, which picamera2 asks for at opening and the virtual camera refuses, is a viewfinder: libcamera's way with USB cameras;
- buffers come from memfds instead of /dev/dma_heap, two planes to each in NV12;
- frames come at `FPS`: the virtual camera itself has hundreds a second.

The hooks for tests are at the top.
"""

import collections
import os
import sys
import threading
import time
import types

FPS = 30.0
controls_set = []  # (name, value) in the order in which they reached libcamera
metadata = {}  # name -> value, added to that of each frame
advertised = {}
_flow = threading.Event()
_flow.set()
_plugged = threading.Event()
_plugged.set()
stall, go_on = _flow.clear, _flow.set


def unplug():
    """Frames end, and a camera that is opened now is not there."""
    _plugged.clear()
    _flow.clear()


def plug_in():
    _plugged.set()
    _flow.set()


def advertise(**controls):
    """Give the camera more controls, name=(least, most, default); what they are set to is remembered and has no effect."""
    import libcamera

    for name, (least, most, default) in controls.items():
        info = types.SimpleNamespace(min=least, max=most, default=default, values=[])
        advertised[getattr(libcamera.controls, name)] = info


class _Pacer:
    """Hands requests to the camera one by one, as fast as a sensor would fill them."""

    def __init__(self, submit):
        self._submit = submit
        self._requests = collections.deque()
        self._change = threading.Condition()
        self._thread = None

    def queue(self, camera, request):
        with self._change:
            self._requests.append((camera, request))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()
            self._change.notify()

    def drop(self, camera):
        with self._change:
            self._requests = collections.deque(pair for pair in self._requests if pair[0] is not camera)

    def _run(self):
        due_s = time.monotonic()
        while True:
            _flow.wait()
            due_s = max(due_s + 1 / FPS, time.monotonic() - 1 / FPS)
            time.sleep(max(0.0, due_s - time.monotonic()))
            with self._change:
                while not self._requests:
                    self._change.wait()
                if not _flow.is_set():
                    continue
                camera, request = self._requests.popleft()
                try:
                    self._submit(camera, request)
                except RuntimeError as error:  # the camera was stopped meanwhile
                    print("virtual camera: a request was dropped:", error, file=sys.stderr)


def _patch_camera(libcamera):
    kind, asked, role = libcamera.Camera, libcamera.Request, libcamera.StreamRole
    configure, stop, start = kind.generate_configuration, kind.stop, kind.start
    known, found, put = kind.controls.fget, asked.metadata.fget, asked.set_control
    cameras = libcamera.CameraManager.cameras.fget
    pacer = _Pacer(kind.queue_request)

    def remembered(controls):
        for key, value in (controls or {}).items():
            controls_set.append((key.name, value))
        return {key: value for key, value in (controls or {}).items() if key not in advertised}

    def stop_it(camera):
        pacer.drop(camera)
        return stop(camera)

    def set_control(request, key, value):
        if remembered({key: value}):
            put(request, key, value)

    def queue_request(camera, request):
        pacer.queue(camera, request)

    kind.generate_configuration = lambda camera, roles: configure(camera, [role.Viewfinder if r == role.Raw else r for r in roles])
    kind.queue_request = queue_request
    kind.stop = stop_it
    kind.start = lambda camera, controls=None: start(camera, remembered(controls))
    kind.controls = property(lambda camera: {**known(camera), **advertised})
    asked.set_control = set_control
    asked.metadata = property(lambda r: {**found(r), **{getattr(libcamera.controls, key): value for key, value in metadata.items()}})
    libcamera.CameraManager.cameras = property(lambda manager: cameras(manager) if _plugged.is_set() else [])


def _patch_buffers(libcamera):
    import picamera2.allocators.dmaallocator as allocators
    import picamera2.dma_heap as heaps
    import picamera2.picamera2 as whole

    class MemoryHeap(heaps.DmaHeap):
        isValid = True  # noqa: N815  # picamera2's name

        def __init__(self):
            pass

        def alloc(self, name, size):
            handle = os.memfd_create(name, os.MFD_CLOEXEC)
            os.ftruncate(handle, size)
            return heaps.UniqueFD(handle)

        def close(self):
            pass

    class MemoryAllocator(allocators.DmaAllocator):
        def allocate(self, streams, use_case):
            streams_of_buffers = iter([stream for stream in streams for _ in range(stream.buffer_count)])
            buffer = libcamera.FrameBuffer

            def in_two_planes(planes):
                stream, (luma,) = next(streams_of_buffers), planes
                chroma = buffer.Plane()
                luma.length = stream.stride * stream.size.height
                chroma.fd, chroma.offset, chroma.length = luma.fd, luma.length, stream.frame_size - luma.length
                return buffer([luma, chroma])

            in_two_planes.Plane = buffer.Plane
            allocators.libcamera = types.SimpleNamespace(FrameBuffer=in_two_planes)
            try:
                super().allocate(streams, use_case)
            finally:
                allocators.libcamera = libcamera

        class DmaSync(allocators.DmaAllocator.DmaSync):
            """Memory is always in step with itself."""

            def __enter__(self):
                return self.get_buffer()

            def __exit__(self, *_):
                pass

    allocators.DmaHeap = MemoryHeap
    whole.DmaAllocator = MemoryAllocator


def _install():
    import libcamera

    kms = types.ModuleType("pykms")
    kms.PixelFormat = type("PixelFormat", (), {"__getattr__": lambda _, name: name})()
    sys.modules.setdefault("pykms", kms)
    _patch_camera(libcamera)
    _patch_buffers(libcamera)


_install()
