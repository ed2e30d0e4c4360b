#include "control.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>

namespace emu {

static std::mutex lock;
static std::string armed, message;
static int armed_nth = 0, armed_code = 0;
static uint64_t calls = 0;

// failure_of counts one event of that name, and of an alternative name.
static int failure_of(const char* name, const char* also) {
  if (armed_nth <= 0 || (armed != name && armed != also)) return 0;
  return --armed_nth == 0 ? armed_code : 0;
}

int enter(const char* call) {
  std::lock_guard l(lock);
  calls++;
  return failure_of(call, "*");
}

int kernel_fault(const char* name) {
  std::lock_guard l(lock);
  return failure_of(("kernel:" + std::string(name)).c_str(), "kernel");
}

void report(const char* text) {
  std::lock_guard l(lock);
  message = text;
  fprintf(stderr, "software device: %s\n", text);
}

bool is_sticky(int code) {
  switch (code) {
    case 46:   // device unavailable
    case 214:  // uncorrectable memory error
    case 700: case 702: case 709:  // illegal address, timeout, context destroyed
    case 714: case 715: case 716: case 717: case 718: case 719:  // faults of an instruction
      return true;
  }
  return false;
}

long setting(const char* name, long otherwise) {
  const char* v = getenv(name);
  return v && *v ? atol(v) : otherwise;
}

bool idle() { return setting("SOFTDEVICE_IDLE", 0) != 0; }

// The fault requested in the environment is armed when the library is loaded.
__attribute__((constructor)) static void arm() {
  const char* v = getenv("SOFTDEVICE_FAIL");
  if (!v || !*v) return;
  char call[100];
  int nth, code;
  if (sscanf(v, "%99[^:]:%d:%d", call, &nth, &code) == 3) {
    softdevice_fail(call, nth, code);
    return;
  }
  fprintf(stderr, "software device: SOFTDEVICE_FAIL is %s; write it as CALL:N:CODE\n", v);
  exit(2);
}

}  // namespace emu

using namespace emu;

void softdevice_fail(const char* call, int nth, int code) {
  std::lock_guard l(lock);
  armed = call;
  armed_nth = nth;
  armed_code = code;
}

int softdevice_fired() {
  std::lock_guard l(lock);
  return armed_code != 0 && armed_nth == 0;
}

uint64_t softdevice_calls() {
  std::lock_guard l(lock);
  return calls;
}

void softdevice_message(char* out, size_t size) {
  std::lock_guard l(lock);
  snprintf(out, size, "%s", message.c_str());
  message.clear();
}
