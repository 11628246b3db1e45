# tclsh tool.tcl SCRIPT ARGS: runs a script of Vitis HLS or Vivado with every command of the tool
# only printed, so that the scripts' own logic is tested without the tools.
proc unknown {args} { puts "call: $args" }
set script [lindex $argv 0]
set argv [lrange $argv 1 end]
set argc [llength $argv]
proc add_files {args} { puts "call: add_files $args" }
source $script
