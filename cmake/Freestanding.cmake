# The whole core as one relocatable object, as Kbuild would link it into a module, and the check that
# it asks a kernel for nothing but what freestanding-symbols.txt lists.
get_property(core_layers GLOBAL PROPERTY DIFJIT_CORE_LAYERS)
set(archives "")
foreach(layer ${core_layers})
    list(APPEND archives $<TARGET_FILE:${layer}>)
endforeach()

add_custom_command(
    OUTPUT difjit_core.o
    COMMAND ${CMAKE_LINKER} -r --whole-archive ${archives} -o difjit_core.o
    COMMAND ${CMAKE_COMMAND} -DNM=${CMAKE_NM} -DOBJECT=difjit_core.o
            -DALLOWED=${PROJECT_SOURCE_DIR}/cmake/freestanding-symbols.txt
            -P ${PROJECT_SOURCE_DIR}/cmake/CheckSymbols.cmake
    DEPENDS ${core_layers} ${PROJECT_SOURCE_DIR}/cmake/freestanding-symbols.txt
            ${PROJECT_SOURCE_DIR}/cmake/CheckSymbols.cmake
    COMMENT "Linking the core and checking what it asks of a kernel"
    VERBATIM)
add_custom_target(difjit_core_object ALL DEPENDS difjit_core.o)
