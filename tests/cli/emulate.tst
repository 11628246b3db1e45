# emulate: recorded firmware scores, bit for bit
0	-	$BIN/import-weights -q --arch v2 --in $DATA/firmware/v2p1p2 --out v2.h5
0	-	$BIN/import-weights -q --arch v1 --in $DATA/firmware/v1p1p2 --out v1.h5
0	-	$BIN/emulate -q v1.h5 $DATA/firmware/testvectors_in.txt > got.tsv && tr '\t' , < got.tsv > got.csv && tail -n +2 $DATA/firmware/v1p1p2/CICADA_v1p1p2_events256.csv | cmp - got.csv
0	-	$BIN/emulate -q v1.h5 $DATA/firmware/inputs_random4096.h5 > got.tsv && tr '\t' , < got.tsv > got.csv && tail -n +2 $DATA/firmware/v1p1p2/CICADA_v1p1p2_random4096.csv | cmp - got.csv
0	-	$BIN/emulate -q v2.h5 $DATA/firmware/testvectors_in.txt > got.tsv && tr '\t' , < got.tsv > got.csv && tail -n +2 $DATA/firmware/v2p1p2/CICADA_v2p1p2_events256.csv | cmp - got.csv
0	-	$BIN/emulate -q v2.h5 $DATA/firmware/inputs_random4096.h5 > got.tsv && tr '\t' , < got.tsv > got.csv && tail -n +2 $DATA/firmware/v2p1p2/CICADA_v2p1p2_random4096.csv | cmp - got.csv
0	-	awk 'BEGIN{for (i = 1; i < 252; i++) printf "0,"; print 0}' > z.csv && $BIN/emulate -q v2.h5 z.csv | grep -qx '0[[:space:]][0-9]*'
0	-	$BIN/emulate -q --threads 1 v2.h5 $DATA/firmware/inputs_random4096.h5 > one && $BIN/emulate -q --threads 3 v2.h5 $DATA/firmware/inputs_random4096.h5 > three && cmp one three
0	-	for i in v2 v3 v4; do CB_ISA=$i $BIN/emulate -q v1.h5 $DATA/firmware/inputs_random4096.h5 2>/dev/null | cksum; done | sort -u | wc -l | grep -qx 1
0	4096 events in the CaloRegions layout	$BIN/emulate v2.h5 $DATA/firmware/inputs_random4096.h5 > /dev/null
# more events than one part
0	-	awk 'BEGIN{for (e = 0; e < 21000; e++) {printf "%d", e % 3 ? 0 : 9; for (i = 1; i < 252; i++) printf ",0"; print ""}}' > more.csv; head -n 3 more.csv > three.csv; $BIN/emulate -q v1.h5 three.csv | cut -f2 > three; $BIN/emulate -q v1.h5 more.csv | awk '{print $1 % 3 "\t" $2; if ($1 != NR - 1) exit 1}' | sort -u > got; paste -d '\t' three three | awk '{print NR - 1 "\t" $2}' | cmp - got
1	late.csv:20000: region 0 is 1024	sed '20000s/^./1024/' more.csv > late.csv; $BIN/emulate -q v1.h5 late.csv | wc -l | grep -qx 16384; $BIN/emulate -q v1.h5 late.csv > /dev/null
# wrong usage
2	STUDENT EVENTS wanted	$BIN/emulate -q v2.h5
2	unexpected argument	$BIN/emulate -q v2.h5 z.csv z.csv
2	teacher.epoch	$BIN/emulate -q --set teacher.epoch=3 v2.h5 z.csv
# wrong students
1	absent.h5	$BIN/emulate -q absent.h5 z.csv
1	cut.h5	head -c 3000 v2.h5 > cut.h5; $BIN/emulate -q cut.h5 z.csv
1	empty.h5	: > empty.h5; $BIN/emulate -q empty.h5 z.csv
1	z.csv	$BIN/emulate -q z.csv z.csv
1	inputs_random4096.h5	$BIN/emulate -q $DATA/firmware/inputs_random4096.h5 z.csv
1	-	$BIN/emulate -q . z.csv
# wrong events
1	absent.csv	$BIN/emulate -q v2.h5 absent.csv
1	1024	sed 's/0,0,0$/0,0,1024/' z.csv > big.csv; $BIN/emulate -q v2.h5 big.csv
1	neg.csv	sed 's/0,0,0$/0,0,-1/' z.csv > neg.csv; $BIN/emulate -q v2.h5 neg.csv
1	nan.csv	sed 's/0,0,0$/0,nan,0/' z.csv > nan.csv; $BIN/emulate -q v2.h5 nan.csv
1	short.csv	sed 's/,0$//' z.csv > short.csv; $BIN/emulate -q v2.h5 short.csv
1	cutev.h5	head -c 100000 $DATA/firmware/inputs_random4096.h5 > cutev.h5; $BIN/emulate -q v2.h5 cutev.h5
1	none.csv	: > none.csv; $BIN/emulate -q v2.h5 none.csv
1	write failed	$BIN/emulate -q v2.h5 $DATA/firmware/inputs_random4096.h5 > /dev/full
1	write failed	ulimit -f 1; $BIN/emulate -q v2.h5 $DATA/firmware/inputs_random4096.h5 > limited.tsv
