# Warnings, sanitizers and the helper that declares a test program.

option(DIFJIT_FUZZ "build the libFuzzer targets (clang only)" OFF)
option(DIFJIT_FREESTANDING "only the core, with kernel flags (cmake/Freestanding.cmake)" OFF)
set(DIFJIT_SANITIZE "" CACHE STRING "sanitizers, as for -fsanitize=")

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

find_program(CCACHE ccache)
if(CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
    set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()

# What a kernel module's objects are compiled with. -Wframe-larger-than: frames fit a kernel stack.
if(DIFJIT_FREESTANDING)
    set(DIFJIT_FREESTANDING_FLAGS
        -ffreestanding -fno-pic -fno-pie -fno-stack-protector -fno-asynchronous-unwind-tables
        -fno-unwind-tables -mgeneral-regs-only -Wframe-larger-than=1024)
    if(CMAKE_SYSTEM_PROCESSOR STREQUAL "aarch64")
        list(APPEND DIFJIT_FREESTANDING_FLAGS -mno-outline-atomics)
    else()
        list(APPEND DIFJIT_FREESTANDING_FLAGS
             -mno-red-zone -mcmodel=kernel -mindirect-branch=thunk-extern
             -mfunction-return=thunk-extern)
    endif()
endif()

add_library(difjit_flags INTERFACE)
target_compile_options(difjit_flags INTERFACE -Wall -Wextra -Werror)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    # libstdc++ 12's own std::stable_sort uses what it has deprecated; g++ keeps quiet in its headers.
    target_compile_options(difjit_flags INTERFACE -Wno-deprecated-declarations)
endif()
if(DIFJIT_SANITIZE)
    add_compile_options(-fsanitize=${DIFJIT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${DIFJIT_SANITIZE})
endif()
if(DIFJIT_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link) # coverage feedback from every layer
endif()

# difjit_core_layer(NAME SOURCES ... LINK ...): a freestanding layer, target NAME.
function(difjit_core_layer name)
    cmake_parse_arguments(A "" "" "SOURCES;LINK" ${ARGN})
    add_library(${name} STATIC ${A_SOURCES})
    set_target_properties(${name} PROPERTIES CXX_STANDARD 20)
    target_compile_options(${name} PRIVATE -fno-exceptions -fno-rtti -fno-threadsafe-statics
                                           ${DIFJIT_FREESTANDING_FLAGS})
    target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(${name} PUBLIC ${A_LINK} PRIVATE difjit_flags)
    set_property(GLOBAL APPEND PROPERTY DIFJIT_CORE_LAYERS ${name})
endfunction()

# difjit_layer(NAME SOURCES ... LINK ...): a user layer, target NAME.
function(difjit_layer name)
    if(DIFJIT_FREESTANDING)
        return()
    endif()
    cmake_parse_arguments(A "" "" "SOURCES;LINK" ${ARGN})
    add_library(${name} STATIC ${A_SOURCES})
    target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(${name} PUBLIC ${A_LINK} fmt::fmt PRIVATE difjit_flags)
endfunction()

# difjit_test(NAME SOURCES ... LINK ...): a GoogleTest program whose cases ctest knows one by one.
include(GoogleTest)
function(difjit_test name)
    cmake_parse_arguments(A "" "" "SOURCES;LINK" ${ARGN})
    add_executable(${name} ${A_SOURCES})
    target_link_libraries(${name} PRIVATE ${A_LINK} difjit_flags fmt::fmt nlohmann_json::nlohmann_json
                                          GTest::gtest GTest::gtest_main)
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
    target_compile_definitions(${name} PRIVATE DIFJIT_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                                               DIFJIT_BINARY_DIR="${PROJECT_BINARY_DIR}")
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 300)
endfunction()
