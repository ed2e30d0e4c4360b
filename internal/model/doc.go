// Package model is ClusIR: "Towards Cluster-Guided All-in-One Image
// Restoration", built from the operations of package autograd.
//
// Equation numbers are the paper's. Where it leaves room or we read it our own
// way, the comment starts with "The paper does not say" or "Differs from the
// paper". C is a stage's width, dim·2^(l−1) at stage l = 1..4; tensors are
// [B,C,H,W] unless a comment says otherwise. Names of modules and parameters
// are those of the reference's state_dict, in which stages count from 0.
//
// Every module is a struct of its parameters with a Forward method. Forward
// takes over the features x it is given: it releases them when it has read
// them for the last time. That, not the garbage collector, is what keeps
// inference small. Prompts and routes stay with the caller.
package model

import "clusir/internal/autograd"

// Var is a tensor of the network; see [autograd.Var].
type Var = autograd.Var

// Tape runs the network; see [autograd.Tape].
type Tape = autograd.Tape
