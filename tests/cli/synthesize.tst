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
