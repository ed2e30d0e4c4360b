// Package model implements ClusIR, "Towards Cluster-Guided All-in-One Image
// Restoration", with the operations of package autograd.
//
// Equation numbers are the paper's. Comments that start with "The paper does not say"
// or "Differs from the paper" mark what it leaves open and where we deviate. C is a
// stage's width, dim·2^(l−1) for stages l = 1..4; tensors are [B,C,H,W] unless a
// comment says otherwise. Modules and parameters are named as in the reference's
// state_dict, which counts stages from 0.
//
// Every module is a struct of its parameters with a Forward method. Forward takes
// ownership of the features x: it releases them after their last use. That, not the
// garbage collector, keeps the memory of inference small. The caller keeps prompts and
// routes.
package model

import "clusir/internal/autograd"

// Var is a tensor of the network; see [autograd.Var].
type Var = autograd.Var

// Tape runs the network; see [autograd.Tape].
type Tape = autograd.Tape
