# Turns a folder's files into a C++ source that holds their bytes by name, without the extension.
# As a module: forewarm_embed_texts(target folder) defines forewarm::texts_of_FOLDER(). As a script (cmake -P): writes the source.
if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(FOREWARM_EMBED_TEXTS_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

  function(forewarm_embed_texts target folder)
    file(GLOB files CONFIGURE_DEPENDS ${folder}/*)
    get_filename_component(name ${folder} NAME)
    set(source ${CMAKE_CURRENT_BINARY_DIR}/${name}_texts.cpp)
    add_custom_command(OUTPUT ${source}
      COMMAND ${CMAKE_COMMAND} -DFOLDER=${folder} -DNAME=${name} -DOUTPUT=${source} -P ${FOREWARM_EMBED_TEXTS_SCRIPT}
      DEPENDS ${files} ${FOREWARM_EMBED_TEXTS_SCRIPT} VERBATIM)
    target_sources(${target} PRIVATE ${source})
  endfunction()
  return()
endif()

file(GLOB files ${FOLDER}/*)
list(SORT files)
set(arrays "")
set(entries "")
set(index 0)
foreach(file ${files})
  get_filename_component(text_name ${file} NAME_WE)
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  string(APPEND arrays "  static constexpr unsigned char kBytes${index}[] = {${bytes}};\n")
  string(APPEND entries
    "      {\"${text_name}\", {reinterpret_cast<const char*>(kBytes${index}), sizeof kBytes${index}}},\n")
  math(EXPR index "${index} + 1")
endforeach()
file(WRITE ${OUTPUT} "#include <span>
#include <string_view>
#include <utility>

namespace forewarm {

std::span<const std::pair<std::string_view, std::string_view>> texts_of_${NAME}();

std::span<const std::pair<std::string_view, std::string_view>> texts_of_${NAME}() {
${arrays}  static const std::pair<std::string_view, std::string_view> kTexts[] = {
${entries}  };
  return kTexts;
}

}  // namespace forewarm
")
