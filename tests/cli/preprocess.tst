0	-	$BIN/simulate --library $DATA/library/library.h5 --set simulate.zb_train=60 --set simulate.zb_val=20 --set simulate.zb_test=40 --set simulate.signal_train=10 --set simulate.signal_val=5 --set simulate.signal_test=20 --quiet --sample zb --out zb.h5 && $BIN/simulate --library $DATA/library/library.h5 --set simulate.zb_train=60 --set simulate.zb_val=20 --set simulate.zb_test=40 --set simulate.signal_train=10 --set simulate.signal_val=5 --set simulate.signal_test=20 --quiet --sample tt_had --out tt.h5
# good: every form, a given split is kept
0	120 of 120 events kept	$BIN/preprocess --out d.h5 zb=zb.h5
0	zb             60 train       20 val       40 test	$BIN/preprocess --out d.h5 zb=zb.h5 tt_had=tt.h5
0	-	$BIN/preprocess --quiet --threads 2 --out e.h5 zb=zb.h5 tt_had=tt.h5 && cmp d.h5 e.h5
0	256 of 256 events kept	$BIN/preprocess --out card.h5 zb=$DATA/firmware/testvectors_in.txt
0	4096 of 4096 events kept	$BIN/preprocess --out r.h5 zb=$DATA/firmware/inputs_random4096.h5
0	1 of 1 events kept	(seq -s, 0 250; echo ,1023) | tr -d "\n" >one.csv; $BIN/preprocess --out csv.h5 zb=one.csv
0	155 of 155 events kept	$BIN/preprocess --out f.h5 again=d.h5
# wrong usage
2	NAME=FILE... wanted	$BIN/preprocess --out x.h5
2	'zb.h5': NAME=FILE wanted	$BIN/preprocess --out x.h5 zb.h5
2	process name 'z/b'	$BIN/preprocess --out x.h5 z/b=zb.h5
2	with sum 1 wanted	$BIN/preprocess --out x.h5 zb=zb.h5 --set "preprocess.split=0.5 0.2 0.2"
2	it would be replaced	cp zb.h5 only.h5; $BIN/preprocess --out ./only.h5 zb=only.h5
0	-	cmp zb.h5 only.h5
2	neither yes nor no	$BIN/preprocess --out x.h5 zb=zb.h5 --set preprocess.require_acceptance=maybe
# failures leave no file
1	none.h5: cannot open	$BIN/preprocess --out x.h5 zb=none.h5
1	truncated file	head -c 20000 zb.h5 >cut.h5; $BIN/preprocess --out x.h5 zb=cut.h5
1	no images: neither et	$BIN/preprocess --out x.h5 zb=$DATA/published/scores.h5
1	bad.csv:1: region 251 is 1024; 0 to 1023 wanted	sed "s/1023/1024/" one.csv >bad.csv; $BIN/preprocess --out x.h5 zb=bad.csv
1	bad.csv:1: region 0 is -5	sed "s/^0/-5/" one.csv >bad.csv; $BIN/preprocess --out x.h5 zb=bad.csv
1	bad.csv:1: region 0: 'nan' is not a whole number	sed "s/^0/nan/" one.csv >bad.csv; $BIN/preprocess --out x.h5 zb=bad.csv
1	the last event is cut	head -n 1026 $DATA/firmware/testvectors_in.txt >cut.txt; $BIN/preprocess --out x.h5 zb=cut.txt
1	a zero byte at	(cat $DATA/firmware/testvectors_in.txt; printf '\0\n') >zero.txt; $BIN/preprocess --out x.h5 zb=zero.txt
1	pipe: not a regular file	mkfifo pipe; timeout 20 $BIN/preprocess --out x.h5 zb=pipe
1	x.pipe: cannot be replaced: it is not a regular file	mkfifo x.pipe; $BIN/preprocess --out x.pipe zb=zb.h5
1	folder: cannot be replaced: it is not a regular file	mkdir folder; $BIN/preprocess --out folder zb=zb.h5
1	the name of a file wanted	$BIN/preprocess --out "" zb=zb.h5
1	zb.h5: cannot read: Is a directory	mkdir -p dir; cd dir; mkdir zb.h5; $BIN/preprocess --out ../x.h5 zb=zb.h5
!x.h5
0	-	! ls | grep tmp
