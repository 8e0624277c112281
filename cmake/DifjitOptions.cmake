# Warnings, sanitizers and the helper that declares a test program.

option(DIFJIT_FUZZ "build the libFuzzer targets (clang only)" OFF)
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

add_library(difjit_flags INTERFACE)
target_compile_options(difjit_flags INTERFACE -Wall -Wextra -Werror)
if(DIFJIT_SANITIZE)
    add_compile_options(-fsanitize=${DIFJIT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${DIFJIT_SANITIZE})
endif()

# difjit_test(NAME sources...): a GoogleTest program whose cases ctest knows one by one.
include(GoogleTest)
function(difjit_test name)
    add_executable(${name} ${ARGN})
    target_link_libraries(${name} PRIVATE difjit difjit_flags nlohmann_json::nlohmann_json
                                          GTest::gtest GTest::gtest_main)
    target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    target_compile_definitions(${name} PRIVATE DIFJIT_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
                                               DIFJIT_BINARY_DIR="${CMAKE_BINARY_DIR}")
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 300)
endfunction()
