# emit-hls: the deployed nets as firmware folders, every representation checked; bad input leaves nothing
0	-	$BIN/import-weights -q --arch v2 --in $DATA/firmware/v2p1p2 --out v2.h5
0	-	$BIN/emit-hls -q --in v2.h5 --data $DATA/firmware/testvectors_in.txt --out fw --set hardware.check_software=400 --set hardware.check_simulation=12
0	"student": "cicada-v2"	cat fw/report.json
0	-	test "$(grep -c '"mismatches": 0' fw/report.json)" -ge 3 && ! grep -q '"mismatches": [1-9]' fw/report.json
0	-	test -f fw/netlist.h5 -a -f fw/Makefile -a -f fw/verilog/cicada_v2.v -a -f fw/verilog/cicada_v2_comb.v -a -d fw/hls -a -d fw/emulator -a -d fw/cmssw -a -d fw/ctp7 -a -f fw/vivado/clock.xdc -a -f fw/README.md
# both libraries from the folder alone, wherever it lies, with either compiler; the plug-in named as CMSSW's loader wants it
0	0 mismatches of 12	cp -r fw 'taken as is' && cd 'taken as is' && env -u MAKEFLAGS make -s check CFLAGS=-O0 CXXFLAGS=-O0 AP_TYPES=cmssw/standin && test -f build/CICADAModel_cicada_v2.so
0	0 mismatches of 12, ap_ types too	cd 'taken as is' && ! command -v clang++ >/dev/null && echo '0 mismatches of 12, ap_ types too' || env -u MAKEFLAGS make -s check-cmssw O=clang CC=clang CXX=clang++ CFLAGS=-O0 CXXFLAGS=-O0 AP_TYPES=cmssw/standin
2	wanted, type	cd 'taken as is' && sed -i 's/ap_uint<INPUT_BITS>, const ap_uint<INPUT_BITS>, //' cmssw/model.cpp && env -u MAKEFLAGS make -s check-cmssw CXXFLAGS=-O0 AP_TYPES=cmssw/standin
0	-	test -z "$(find . -name '*.tmp.*' -o -name .check)"
0	-	! grep -rl "$PWD" fw
0	-	$BIN/emit-hls -q --threads 1 --in v2.h5 --data $DATA/firmware/testvectors_in.txt --out again --set hardware.check_software=400 --set hardware.check_simulation=12 && diff -r fw again
0	not installed	PATH= $BIN/emit-hls --in v2.h5 --out bare --set hardware.check_software=50 --set hardware.check_simulation=2
# Verilator alone
0	verilog_verilator: not run	PATH= $BIN/emit-hls --in v2.h5 --out alone --verilator --no-icarus --set hardware.check_software=50 --set hardware.check_simulation=2 && ! grep -q '"verilog"\|verilog_comb' alone/report.json && rm -r alone
1	no.h5	$BIN/emit-hls --in no.h5 --out bad
!bad
1	schema	$BIN/emit-hls --in $DATA/golden/cmvm.h5 --out bad
!bad
1	no.csv	$BIN/emit-hls --in v2.h5 --data no.csv --out bad
!bad
1	/proc	$BIN/emit-hls --in v2.h5 --out /proc/fw
2	out of range	$BIN/emit-hls --in v2.h5 --out bad --set hardware.levels_per_stage=-2
!bad
2	--out	$BIN/emit-hls --in v2.h5
# recorded scores: every form must give them; all or nothing
0	programme    0 mismatches of 700	PATH= $BIN/emit-hls --in v2.h5 --out rec --recorded $DATA/firmware/testvectors_in.txt=$DATA/firmware/v2p1p2/CICADA_v2p1p2_events256.csv --set hardware.check_software=700 --set hardware.check_simulation=650
0	"recorded": 256	cat rec/report.json
1	programme: 256 mismatches of 700; first at event	PATH= $BIN/emit-hls --in v2.h5 --out bad --recorded $DATA/firmware/testvectors_in.txt=$DATA/firmware/v1p1p2/CICADA_v1p1p2_events256.csv --set hardware.check_software=700 --set hardware.check_simulation=650
1	must be at least	$BIN/emit-hls --in v2.h5 --out bad --recorded $DATA/firmware/testvectors_in.txt=$DATA/firmware/v2p1p2/CICADA_v2p1p2_events256.csv --set hardware.check_software=700 --set hardware.check_simulation=0
1	EVENTS=SCORES wanted	$BIN/emit-hls --in v2.h5 --out bad --recorded $DATA/firmware/testvectors_in.txt
!bad
# a folder of somebody else is not replaced; an empty one and an earlier output are
1	mine: this folder holds other files	mkdir mine; echo thesis > mine/thesis.tex; $BIN/emit-hls -q --in v2.h5 --out mine/ --set hardware.check_software=1 --set hardware.check_simulation=0
0	thesis	cat mine/thesis.tex
1	holds other files	$BIN/emit-hls -q --in v2.h5 --out . --set hardware.check_software=1 --set hardware.check_simulation=0
0	-	rm mine/thesis.tex && for i in 1 2; do $BIN/emit-hls -q --in v2.h5 --out mine --set hardware.check_software=1 --set hardware.check_simulation=0 || exit 1; rm mine/report.json; done
# what a student without weights costs: nothing, at any clock
0	"adders": 0	mkdir zero; for f in $DATA/firmware/v2p1p2/[wb]*.txt; do sed 's/[0-9.-][0-9.-]*/0/g' $f > zero/$(basename $f); done; $BIN/import-weights -q --arch v2 --in zero --out zero.h5 && $BIN/emit-hls -q --in zero.h5 --out fw0 --set hardware.check_software=300 --set hardware.check_simulation=5 && cat fw0/report.json
0	"fmax_mhz": null	$BIN/synthesize -q --in fw0 --part $root/configs/parts/xc7vx690t.ini --out cost0.json --set synthesize.yosys=no --set synthesize.vendor=no && grep -B9 '"rule": "adder-span"' cost0.json
# faults in the netlist
2	--mutation 0	$BIN/emit-hls -q --in v2.h5 --out fwm --mutation 0
!fwm
0	of 40 faults caught	$BIN/emit-hls --in v2.h5 --out fwm --mutation 40 --set hardware.check_software=60 --set hardware.check_simulation=0
# an event every four clocks: 16 engines for 63 positions, same scores; the estimate says so
0	63 positions in 16 engines	$BIN/emit-hls --in v2.h5 --data $DATA/firmware/testvectors_in.txt --out fw4 --ii 4 --set hardware.check_software=300 --set hardware.check_simulation=8
0	"ii": 4	cat fw4/report.json
0	-	test "$(grep -c '"mismatches": 0' fw4/report.json)" -ge 3 && ! grep -q '"mismatches": [1-9]' fw4/report.json && grep -q 'PIPELINE II=4' fw4/hls/firmware/cicada_v2.cpp
0	"ii": 4	$BIN/synthesize -q --in fw4 --part $root/configs/parts/xc7vx690t.ini --out cost4.json --set synthesize.yosys=no --set synthesize.vendor=no && cat cost4.json
0	-	$BIN/synthesize -q --in fw4 --part $root/configs/parts/xc7vx690t.ini --out comb4.json --set synthesize.yosys=no --set synthesize.vendor=no --set synthesize.design=combinational && grep -q '"ii": 1' comb4.json
0	nothing to share	$BIN/import-weights -q --arch v1 --in $DATA/firmware/v1p1p2 --out v1.h5 && PATH= $BIN/emit-hls --in v1.h5 --out fw1 --ii 4 --set hardware.check_software=50
1	63 positions to share	$BIN/emit-hls --in v2.h5 --out bad --ii 64
!bad
1	needs registers	$BIN/emit-hls --in v2.h5 --out bad --ii 4 --set hardware.levels_per_stage=0
!bad
2	hardware.ii: 0 is out of range	$BIN/emit-hls --in v2.h5 --out bad --ii 0
2	--ii: 	$BIN/emit-hls --in v2.h5 --out bad --ii four
# stages by the clock, a latency to order
0	latency 9 clocks = 56.25 ns	PATH= $BIN/emit-hls --in v1.h5 --out fw1 --clock 160MHz --latency 9 --set hardware.check_software=50
0	"latency_cycles": 9	cat fw1/report.json
0	levels_per_stage = -1	cat fw1/report.json
1	are the shortest at 6.25 ns	$BIN/emit-hls --in v1.h5 --out bad --clock 6.25 --latency 2
!bad
1	one adder level alone takes	$BIN/emit-hls --in v1.h5 --out bad --clock 1ns
!bad
2	--clock 0: a period	$BIN/emit-hls --in v1.h5 --out bad --clock 0
2	--clock 5GHz: a period	$BIN/emit-hls --in v1.h5 --out bad --clock 5GHz
2	hardware.latency: -1 is out of range	$BIN/emit-hls --in v1.h5 --out bad --latency -1
# the projects of AMD's tools, with a Tcl shell in their place
0	call: add_files -tb cicada_v2_test.cpp -cflags {-std=c++14 -DCICADA_AP_TYPES -DRTL_SIM}	tclsh $root/tests/data/vendor/tool.tcl fw/hls/build_prj.tcl 'reset=1 csim=1 synth=1 cosim=1 export=1' | tee log && test "$(grep -c '^call: [a-z]*_design' log)" = 4
0	call: set_part xc7vx690tffg1927-2	cat log
0	call: create_clock -period 6.25 -name default	cat log
0	call: export_design -format ip_catalog -version 1.0.0	cat log
2	no option csyn	tclsh $root/tests/data/vendor/tool.tcl fw/hls/build_prj.tcl csyn=1
1	Validation FAILED: the scores of C and RTL differ	cp -r fw/hls logs && echo 1.5 > logs/tb_data/csim_results.log && echo 2.5 > logs/tb_data/rtl_cosim_results.log && tclsh $root/tests/data/vendor/tool.tcl logs/build_prj.tcl 'csim=0 synth=0 validation=1'
0	Validation	cp logs/tb_data/csim_results.log logs/tb_data/rtl_cosim_results.log && tclsh $root/tests/data/vendor/tool.tcl logs/build_prj.tcl 'csim=0 synth=0 validation=1'
1	couldn't open "tb_data/csim_results.log"	rm logs/tb_data/csim_results.log && tclsh $root/tests/data/vendor/tool.tcl logs/build_prj.tcl 'csim=0 synth=0 validation=1'
0	call: set_part xc7vx690tffg1927-2	tclsh $root/tests/data/vendor/tool.tcl fw/ctp7/run_hls.tcl 'csim=0 export=0'
0	call: synth_design -top cicada_v2 -part xc7vx690tffg1927-2 -mode out_of_context	tclsh $root/tests/data/vendor/tool.tcl fw/vivado/vivado.tcl | tee log && grep -q "^call: read_verilog .*/fw/vivado/../verilog/cicada_v2.v" log && grep -q '^call: report_timing_summary .*route_timing.rpt' log
0	call: create_clock -period 6.25 -name clk	tclsh $root/tests/data/vendor/tool.tcl fw/vivado/clock.xdc
# proofs for all inputs: a network that is one number; without the tools there is none
2	--conflicts 0	$BIN/emit-hls -q --in v2.h5 --out fwp --conflicts 0
!fwp
1	yosys	PATH=/nowhere $BIN/emit-hls -q --in zero.h5 --out fwp --prove p.tsv --set hardware.check_software=10 --set hardware.check_simulation=0
!fwp
0	rules by SAT	$BIN/emit-hls -q --in zero.h5 --out fwp --prove p.tsv --set hardware.check_software=10 --set hardware.check_simulation=0 && awk -F'\t' 'NR > 1 && $5 != $6 { exit 1 } END { exit NR < 3 }' p.tsv && cat p.tsv
