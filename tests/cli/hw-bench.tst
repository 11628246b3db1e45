# hw-bench: wrong usage and missing data; the measurements themselves are no test
2	--only x	$BIN/hw-bench -q --only x
2	--effort many	$BIN/hw-bench -q --effort many
1	absent/golden/cmvm.h5	$BIN/hw-bench -q --only cmvm --data absent --out n.tsv
!n.tsv
0	optimise + emit	$BIN/hw-bench -q --only emit --data $DATA --out emit.tsv
0	-	test "$(wc -l < emit.tsv)" = 4
