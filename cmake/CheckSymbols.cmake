# Fails where OBJECT has an undefined symbol that ALLOWED does not list, or a static constructor.
# The list is lines of `symbol  reason`; '#' starts a comment.
cmake_minimum_required(VERSION 3.25)

file(STRINGS ${ALLOWED} lines REGEX "^[^#]")
set(allowed "")
foreach(line ${lines})
    string(REGEX MATCH "^[^ \t]+" symbol "${line}")
    list(APPEND allowed ${symbol})
endforeach()

execute_process(COMMAND ${NM} --undefined-only --format=posix ${OBJECT}
                OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]+" symbols "${output}")
foreach(line ${symbols})
    string(REGEX MATCH "^[^ ]+" symbol "${line}")
    if(NOT symbol IN_LIST allowed)
        message(SEND_ERROR "${OBJECT}: undefined symbol ${symbol}, which no kernel gives the core")
    endif()
endforeach()

execute_process(COMMAND ${NM} --defined-only --format=posix ${OBJECT}
                OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
if(output MATCHES "_GLOBAL__sub_I_[^ ]*")
    message(SEND_ERROR "${OBJECT}: static constructor ${CMAKE_MATCH_0}")
endif()
