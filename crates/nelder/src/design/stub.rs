//! stub
#![allow(missing_docs)]
use std::borrow::Cow; use std::sync::Arc;
use crate::formula::Expr; use crate::frame::*;
#[derive(Clone,Copy,PartialEq,Eq,Debug)] pub enum Precision{Double,Twice}
#[derive(Clone,Debug)] pub struct Numbers<'b>{pub high:Cow<'b,[f64]>,pub low:Option<Vec<f64>>}
pub enum Value<'b>{Numbers(Vec<Numbers<'b>>),Logical(Cow<'b,[u8]>),Codes{codes:Cow<'b,[u32]>,levels:Arc<Levels>,ordered:bool}}
#[derive(Clone,Debug)] pub enum Shape{Numeric{suffixes:Vec<String>},Logical,Factor{ordered:bool}}
#[derive(Debug,Clone,thiserror::Error)] #[error("bind {0}")] pub struct BindError(pub String);
#[derive(Debug,Clone,thiserror::Error)] #[error("eval")] pub struct EvaluateError;
enum Node{Col(usize),Factor(usize,Arc<Levels>),Pow(usize,i32)}
pub struct Variables{cols:Vec<usize>,nodes:Vec<Node>,kinds:Vec<Kind>,twice:bool}
impl Variables{
 pub fn bind(e:&[Expr],s:&Schema,p:Precision)->Result<Self,BindError>{
  let mut v=Variables{cols:vec![],nodes:vec![],kinds:vec![],twice:p==Precision::Twice};
  for e in e { let t=e.to_string(); let (name,f)=if let Some(r)=t.strip_prefix("factor("){(r.trim_end_matches(')').to_string(),0)} else if let Some(r)=t.strip_prefix("I("){ let (a,b)=r.trim_end_matches(')').split_once('^').ok_or(BindError(t.clone()))?; (a.to_string(),b.parse().unwrap())} else {(t.clone(),-1)};
   let c=s.position(&name).ok_or(BindError(t))?;
   let k=v.cols.iter().position(|&x|x==c).unwrap_or_else(||{v.cols.push(c);v.cols.len()-1});
   v.nodes.push(match f{0=>Node::Factor(k,Arc::new(Levels::growing())),-1=>Node::Col(k),d=>Node::Pow(k,d)}); v.kinds.push(if f==0{Kind::Factor{ordered:false}}else{s.fields[c].kind}); }
  Ok(v)}
 pub fn columns(&self)->&[usize]{&self.cols}
 pub fn shapes(&self)->Vec<Shape>{self.kinds.iter().map(|k|match k{Kind::Text=>Shape::Factor{ordered:false},Kind::Factor{ordered}=>Shape::Factor{ordered:*ordered},Kind::Logical=>Shape::Logical,_=>Shape::Numeric{suffixes:vec![String::new()]}}).collect()}
 pub fn needs_prepare(&self)->bool{false}
 pub fn prepare(&mut self,_:&dyn Source)->Result<Scan,BindError>{Ok(Scan::default())}
 pub fn is_twice(&self)->bool{self.twice}
 pub fn evaluate<'b>(&self,b:&'b Batch<'_>)->Result<Vec<Value<'b>>,EvaluateError>{
  Ok(self.nodes.iter().map(|n|match n{
   Node::Col(k)=>match &b.columns[*k]{Column::Real(v)=>Value::Numbers(vec![Numbers{high:Cow::Borrowed(v),low:None}]),Column::Integer(v)=>Value::Numbers(vec![Numbers{high:Cow::Owned(v.iter().map(|&x|x as f64).collect()),low:None}]),Column::Logical(v)=>Value::Logical(Cow::Borrowed(v)),Column::Codes{codes,levels}=>Value::Codes{codes:Cow::Borrowed(codes),levels:levels.clone(),ordered:false}},
   Node::Factor(k,l)=>match &b.columns[*k]{Column::Real(v)=>Value::Codes{codes:Cow::Owned(v.iter().map(|&x|if x.is_nan(){MISSING}else{l.intern(&Key::Number(x))}).collect()),levels:l.clone(),ordered:false},Column::Codes{codes,levels}=>Value::Codes{codes:Cow::Borrowed(codes),levels:levels.clone(),ordered:false},_=>panic!()},
   Node::Pow(k,d)=>match &b.columns[*k]{Column::Real(v)=>{let x:Vec<nelder_device::Dd>=v.iter().map(|&x|nelder_device::Dd::new(x).powi(*d)).collect();Value::Numbers(vec![Numbers{high:Cow::Owned(x.iter().map(|x|x.hi).collect()),low:self.twice.then(||x.iter().map(|x|x.lo).collect())}])},_=>panic!()}}).collect())}
}
