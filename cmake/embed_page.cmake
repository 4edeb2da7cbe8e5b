# Makes one self-contained page of a folder's page.html, style.css and scripts, as a C++ source that holds its bytes.
# As a module: forewarm_embed_page(target folder) defines forewarm::page_of_FOLDER(). As a script (cmake -P): writes the source.
if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(FOREWARM_EMBED_PAGE_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

  function(forewarm_embed_page target folder)
    file(GLOB files CONFIGURE_DEPENDS ${folder}/*)
    get_filename_component(name ${folder} NAME)
    set(source ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
    add_custom_command(OUTPUT ${source}
      COMMAND ${CMAKE_COMMAND} -DFOLDER=${folder} -DNAME=${name} -DOUTPUT=${source} -P ${FOREWARM_EMBED_PAGE_SCRIPT}
      DEPENDS ${files} ${FOREWARM_EMBED_PAGE_SCRIPT} VERBATIM)
    target_sources(${target} PRIVATE ${source})
  endfunction()
  return()
endif()

# Bytes in hexadecimal all the way: text would lose semicolons and brackets to CMake's lists.
function(hex_of text out)
  string(HEX "${text}" hex)
  set(${out} ${hex} PARENT_SCOPE)
endfunction()

file(READ ${FOLDER}/page.html page HEX)
file(READ ${FOLDER}/style.css style HEX)
file(GLOB scripts ${FOLDER}/*.js)
list(SORT scripts)
set(script "")
foreach(path ${scripts})
  file(READ ${path} bytes HEX)
  string(APPEND script ${bytes})
endforeach()
hex_of("@STYLE@" style_mark)
hex_of("@SCRIPT@" script_mark)
string(REPLACE ${style_mark} ${style} page ${page})
string(REPLACE ${script_mark} ${script} page ${page})
string(REGEX REPLACE "(..)" "0x\\1," page ${page})
file(WRITE ${OUTPUT} "#include <string_view>

namespace forewarm {

std::string_view page_of_${NAME}();

std::string_view page_of_${NAME}() {
  static constexpr unsigned char kBytes[] = {${page}};
  return {reinterpret_cast<const char*>(kBytes), sizeof kBytes};
}

}  // namespace forewarm
")
