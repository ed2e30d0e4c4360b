module clusir

go 1.26
