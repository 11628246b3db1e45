# there and back: the same images in every form
0	trigger card, 256 events of 18 x 14	$BIN/export-data --in $DATA/firmware/testvectors_in.txt --format opendata --out od.h5
0	open-data, 256 events of 18 x 14	$BIN/export-data --in od.h5 --format card --out card.txt
0	-	$BIN/export-data --quiet --in card.txt --format opendata --out od2.h5 && $BIN/export-data --quiet --in od2.h5 --format card --out card2.txt && cmp card.txt card2.txt
0	-	$BIN/preprocess --quiet --out a.h5 zb=$DATA/firmware/testvectors_in.txt && $BIN/export-data --in a.h5 --format card --out a.txt && [ $(wc -l <a.txt) = 1027 ]
# wrong usage
2	opendata or card wanted	$BIN/export-data --in od.h5 --format root --out x
2	--in is required	$BIN/export-data --format card --out x
# failures leave no file
1	cannot open	$BIN/export-data --in none --format card --out x
1	no line #BeginData	head -2 $DATA/firmware/testvectors_in.txt >head.txt; $BIN/export-data --in head.txt --format card --out x
1	cannot make folder	$BIN/export-data --in od.h5 --format card --out od.h5/x
1	cannot write	ulimit -f 100; $BIN/export-data --in od.h5 --format card --out x
!x
0	-	! ls | grep tmp
