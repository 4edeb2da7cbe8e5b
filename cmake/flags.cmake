# Flags for our own code only; what a dependency's headers do is not ours to warn about.
add_library(forewarm_flags INTERFACE)
target_compile_options(forewarm_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror
  # Decisions must be the same bits on every machine: no fused multiply-add, no reassociation.
  -ffp-contract=off
  -fstack-protector-strong -fno-plt
  $<$<CXX_COMPILER_ID:GNU>:-fstack-clash-protection>)
# The stable algorithms of gcc 12's library use what it deprecates itself; clang says so where they are used.
target_compile_options(forewarm_flags INTERFACE $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations>)
target_include_directories(forewarm_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_link_options(forewarm_flags INTERFACE -Wl,-z,relro,-z,now)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(CMAKE_UNITY_BUILD)
  # Several sources are compiled as one (a third of the time): gcc takes those for headers, and sees reads of
  # uninitialised variants that are not there, depending on which sources come together.
  target_compile_options(forewarm_flags INTERFACE
    $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage;-Wno-maybe-uninitialized>)
endif()

if(FOREWARM_SANITIZE)
  target_compile_options(forewarm_flags INTERFACE
    -fsanitize=${FOREWARM_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer
    # This check opens a pipe to look at memory, and so fails wherever descriptors run out.
    -fno-sanitize=vptr
    # A third of the time to compile. A null pointer that is used ends an address-sanitized program by itself, and what
    # could be misaligned, a parser of bytes, is fuzzed with all checks (by clang).
    $<$<CXX_COMPILER_ID:GNU>:-fno-sanitize=null,alignment>
    # The checks that sanitizers add make gcc see reads that are not there, in the standard library's <regex> for one.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  if(FOREWARM_SANITIZE STREQUAL "thread")
    # ThreadSanitizer does not know fences; Asio's queues hold a mutex besides.
    target_compile_definitions(forewarm_flags INTERFACE BOOST_ASIO_DISABLE_FENCED_BLOCK)
    target_compile_options(forewarm_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
  endif()
  target_link_options(forewarm_flags INTERFACE -fsanitize=${FOREWARM_SANITIZE})
else()
  target_compile_definitions(forewarm_flags INTERFACE
    $<$<CONFIG:Release>:_FORTIFY_SOURCE=2> _GLIBCXX_ASSERTIONS)
endif()
