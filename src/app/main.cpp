#include "app/command_line.h"

/// For jemalloc, where it is linked, jemalloc(3). Memory that grows and shrinks with a backlog is had by huge
/// pages, since faults are dear where a hypervisor keeps page tables; and of one arena, since hardly more
/// than two threads allocate much and each gives back what the other took. To compare:
/// MALLOC_CONF=thp:default,narenas:8 ./dev bench request
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "thp:always,narenas:1";
}

int main(int argc, char** argv) {
  return forewarm::run_command_line(argc, argv);
}
