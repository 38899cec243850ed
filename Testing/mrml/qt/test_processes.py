"""PYTHONQT.md section 5 and 6: timers, event loop, processes, bytes, threads."""

import sys
import threading

import pytest

ECHO = "import sys; sys.stdout.write(repr(sys.argv[1:]))"


def wait_until(qt, condition, timeout_ms=60000):
    """Run the event loop until the condition holds."""
    loop, ticker, deadline = qt.QEventLoop(), qt.QTimer(), qt.QElapsedTimer()
    deadline.start()
    ticker.timeout.connect(lambda: loop.quit() if condition() or deadline.elapsed() > timeout_ms else None)
    ticker.start(1)
    loop.exec_()
    assert condition()


def test_a_single_shot_calls_what_it_is_given(qt, received):
    qt.QTimer.singleShot(0, lambda: received.append("lambda"))
    qt.QTimer.singleShot(1.5, lambda: received.append("float"))
    wait_until(qt, lambda: len(received) == 2)
    assert received == ["lambda", "float"]


def test_an_exception_in_a_single_shot_is_a_fault(qt, received, faults):
    def fail():
        received.append(1)
        raise KeyError("later")

    qt.QTimer.singleShot(0, fail)
    with faults.expected("KeyError: 'later'"):
        wait_until(qt, lambda: bool(received))


def test_a_timer_has_its_properties(qt, received):
    timer = qt.QTimer()
    timer.interval = 5
    timer.timeout.connect(lambda: received.append(timer.active))
    timer.start()
    wait_until(qt, lambda: bool(received))
    timer.stop()
    assert (received[0], timer.active, timer.interval) == (True, False, 5)


@pytest.mark.parametrize("name", ["exec", "exec_"])
def test_a_dialog_answers_an_int(qt, name):
    dialog = qt.QDialog()
    qt.QTimer.singleShot(0, lambda: dialog.accept())
    assert getattr(dialog, name)() == 1


def test_the_application_is_there(qt):
    qt.QApplication.processEvents()
    qt.QApplication.setOverrideCursor(qt.Qt.WaitCursor)
    qt.QApplication.restoreOverrideCursor()
    qt.QApplication.clipboard().setText("x")
    assert qt.QApplication.instance().applicationName == "Slicer"


def test_a_process_gets_strings(qt):
    process = qt.QProcess()
    process.start(sys.executable, ("-c", ECHO, 5, 1.5))
    assert process.waitForFinished(60000)
    assert process.readAllStandardOutput().data().decode() == "['5', '1.5']"
    assert (process.exitCode(), process.state(), process.exitStatus()) == (0, qt.QProcess.NotRunning, 0)


def test_a_missing_program_is_an_error_of_the_process(qt, received):
    process = qt.QProcess()
    process.errorOccurred.connect(received.append)
    process.start("no-such-program-here", [])
    assert not process.waitForStarted(60000)
    assert received == [qt.QProcess.FailedToStart]


def test_a_process_reads_what_is_written(qt):
    process = qt.QProcess()
    process.start(sys.executable, ["-c", "import sys; sys.stdout.write(sys.stdin.read().upper())"])
    for data in ("s", b"b", qt.QByteArray(b"q")):
        process.write(data)
    process.closeWriteChannel()
    assert process.waitForFinished(60000)
    assert process.readAllStandardOutput() == b"SBQ"


def test_a_detached_process_answers_whether_it_started(qt):
    assert qt.QProcess.startDetached(sys.executable, ["-c", ""]) is True


def test_an_executed_program_answers_its_exit_code(qt):
    assert qt.QProcess.execute(sys.executable, ["-c", "raise SystemExit(3)"]) == 3


def test_the_environment_has_its_keys_in_a_tuple(qt):
    environment = qt.QProcessEnvironment()
    environment.insert("A", "1")
    assert environment.keys() == ("A",)


def test_bytes_are_asked_for_by_data(qt):
    data = qt.QByteArray(b"h\0i")
    assert (data.data(), data.size(), data.isEmpty(), bool(data)) == (b"h\0i", 3, False, True)
    assert str(qt.QByteArray(b"hi")) == "b'hi'"
    assert qt.QByteArray(b"hi") == b"hi"


@pytest.mark.parametrize("ask", [bytes, len, lambda data: data.decode()])
def test_a_byte_array_is_no_python_bytes(qt, ask):
    with pytest.raises((TypeError, AttributeError)):
        ask(qt.QByteArray(b"hi"))


def test_a_thread_does_not_run_python(qt):
    class Worker(qt.QThread):
        def run(self):
            raise AssertionError("not reached")

    with pytest.raises(TypeError, match="crashes Slicer"):
        Worker()


def test_a_single_shot_of_a_thread_never_fires(qt, received):
    thread = threading.Thread(target=qt.QTimer.singleShot, args=(0, lambda: received.append("thread")))
    thread.start()
    thread.join()
    qt.QTimer.singleShot(0, lambda: received.append("main"))
    wait_until(qt, lambda: bool(received))
    assert received == ["main"]


def test_what_slicers_qt_has_of_threads(qt):
    assert not hasattr(qt.QMetaObject, "invokeMethod")
    assert not hasattr(qt, "QMutexLocker")
