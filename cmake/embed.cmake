# Turns files into a C++ source that holds their bytes, so that the program needs no files beside it.
# As a module: forewarm_embed(target directory). As a script (cmake -P): writes the source.
if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(FOREWARM_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

  function(forewarm_embed target directory)
    file(GLOB files CONFIGURE_DEPENDS ${directory}/*)
    set(source ${CMAKE_CURRENT_BINARY_DIR}/${target}_assets.cpp)
    add_custom_command(OUTPUT ${source}
      COMMAND ${CMAKE_COMMAND} -DDIRECTORY=${directory} -DOUTPUT=${source} -P ${FOREWARM_EMBED_SCRIPT}
      DEPENDS ${files} ${FOREWARM_EMBED_SCRIPT} VERBATIM)
    set_source_files_properties(${source} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)  # clang-tidy has nothing built
    target_sources(${target} PRIVATE ${source})
  endfunction()
  return()
endif()

set(types_html "text/html; charset=utf-8")
set(types_js "text/javascript; charset=utf-8")
set(types_css "text/css; charset=utf-8")
set(types_svg "image/svg+xml")

file(GLOB files ${DIRECTORY}/*)
list(SORT files)
set(arrays "")
set(entries "")
set(index 0)
foreach(file ${files})
  get_filename_component(name ${file} NAME)
  get_filename_component(extension ${file} LAST_EXT)
  string(SUBSTRING ${extension} 1 -1 extension)
  if(NOT DEFINED types_${extension})
    message(FATAL_ERROR "${file}: no content type is known for .${extension}; add it to cmake/embed.cmake")
  endif()
  if(name STREQUAL "index.html")
    set(path "/")
  else()
    set(path "/assets/${name}")
  endif()
  file(SHA256 ${file} hash)
  string(SUBSTRING ${hash} 0 32 hash)
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  string(APPEND arrays "constexpr unsigned char kBytes${index}[] = {${bytes}};\n")
  string(APPEND entries "    {\"${path}\", \"${types_${extension}}\", text(kBytes${index}), \"\\\"${hash}\\\"\"},\n")
  math(EXPR index "${index} + 1")
endforeach()
file(WRITE ${OUTPUT} "#include \"edge/observe/assets.h\"

namespace forewarm {
namespace {

${arrays}
template <std::size_t N>
std::string_view text(const unsigned char (&bytes)[N]) {
  return {reinterpret_cast<const char*>(bytes), N};
}

const Asset kAssets[] = {
${entries}};

}  // namespace

std::span<const Asset> assets() { return kAssets; }

}  // namespace forewarm
")
