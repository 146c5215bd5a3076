// Research harness (not committed): encode+decode WAVs at rates, print SI-SDR, write decoded WAVs.
use melisma_codec::*;
use melisma_signal::{Metadata, Pcm};
use std::time::Instant;
fn read_wav(path: &str) -> Pcm {
    let b = std::fs::read(path).unwrap();
    let mut at = 12; let (mut ch, mut sr) = (0usize, 0u32); let mut data: &[u8] = &[];
    while at + 8 <= b.len() { let id=&b[at..at+4]; let n=u32::from_le_bytes(b[at+4..at+8].try_into().unwrap()) as usize; let body=&b[at+8..(at+8+n).min(b.len())];
        if id==b"fmt " { ch=u16::from_le_bytes(body[2..4].try_into().unwrap()) as usize; sr=u32::from_le_bytes(body[4..8].try_into().unwrap()); }
        if id==b"data" { data=body; }
        at+=8+n+(n&1); }
    let n = data.len()/2/ch;
    let mut c = vec![vec![0f32;n];ch];
    for i in 0..n { for k in 0..ch { c[k][i]=i16::from_le_bytes(data[(i*ch+k)*2..][..2].try_into().unwrap()) as f32/32768.0; } }
    Pcm{sample_rate_hz:sr,channels:c}
}
fn write_wav(path:&str,p:&Pcm){ let (n,ch)=(p.samples(),p.channel_count()); let mut o=Vec::new(); let d=(n*ch*2) as u32;
 o.extend(b"RIFF"); o.extend((36+d).to_le_bytes()); o.extend(b"WAVEfmt "); o.extend(16u32.to_le_bytes()); o.extend(1u16.to_le_bytes()); o.extend((ch as u16).to_le_bytes());
 o.extend(p.sample_rate_hz.to_le_bytes()); o.extend((p.sample_rate_hz*ch as u32*2).to_le_bytes()); o.extend(((ch*2) as u16).to_le_bytes()); o.extend(16u16.to_le_bytes()); o.extend(b"data"); o.extend(d.to_le_bytes());
 for i in 0..n { for c in &p.channels { o.extend(((c[i]*32768.0).round().clamp(-32768.0,32767.0) as i16).to_le_bytes()); } }
 std::fs::write(path,o).unwrap(); }
fn sisdr(a:&Pcm,b:&Pcm)->f64{ let (mut xx,mut xy,mut yy,mut sx,mut sy,mut n)=(0f64,0f64,0f64,0f64,0f64,0f64);
 for (x,y) in a.channels.iter().zip(&b.channels){ for (&p,&q) in x.iter().zip(y){ let (p,q)=(p as f64,q as f64); xx+=p*p;xy+=p*q;yy+=q*q;sx+=p;sy+=q;n+=1.0; } }
 xx-=sx*sx/n; xy-=sx*sy/n; yy-=sy*sy/n; let s=xy*xy/xx; 10.0*((s+1e-12)/(yy-s+1e-12)).log10() }
fn main(){
 let mut tune=Tune::Music; let mut rates: Vec<f32>=vec![12.,24.,48.]; let mut out=String::new(); let mut files=vec![]; let mut sets: Vec<(String,f32)>=vec![]; let mut section=6.0f32; let mut quality=None;
 for a in std::env::args().skip(1){ if let Some((k,v))=a.strip_prefix("--").and_then(|a|a.split_once('=')){ match k { "tune"=>tune=if v=="mse"{Tune::Mse}else{Tune::Music}, "rates"=>rates=v.split(',').map(|x|x.parse().unwrap()).collect(), "out"=>out=v.into(), "section"=>section=v.parse().unwrap(), "quality"=>quality=Some(v.parse::<f32>().unwrap()), _=>sets.push((k.into(),v.parse().unwrap())) } } else { files.push(a); } }
 let mut tuning=Tuning::new(tune); for (k,v) in &sets { tuning.set(k,*v); }
 if quality.is_some(){ rates=vec![0.0]; }
 for &rate in &rates { let (mut sum,mut kb,mut te,mut td,mut dur)=(0.,0.,0.,0.,0.);
  for f in &files { let pcm=read_wav(f); let mut cfg=EncoderConfig::default(); cfg.tune=tune; cfg.section_seconds=section; cfg.tuning=Some(tuning.clone());
   cfg.rate=match quality {Some(q)=>RateTarget::Quality(q),None=>RateTarget::Bitrate((rate*1000.0) as u32)};
   let t=Instant::now(); let bytes=encode(&pcm,&cfg,&Metadata::default()).unwrap(); te+=t.elapsed().as_secs_f64();
   let t=Instant::now(); let d=decode(&bytes).unwrap(); td+=t.elapsed().as_secs_f64(); assert_eq!(d.pcm.samples(),pcm.samples()); assert!(d.damage.is_empty(),"{:?}",d.damage);
   let q=sisdr(&pcm,&d.pcm); let k=bytes.len() as f64*8e-3/pcm.seconds(); sum+=q; kb+=k; dur+=pcm.seconds();
   let name=std::path::Path::new(f).file_stem().unwrap().to_string_lossy().to_string();
   if std::env::var("V").is_ok(){ let i=inspect(&bytes[..]).unwrap(); let sk:u64=i.sections.iter().map(|s|s.sketch_bytes).sum(); println!("{name} {rate} {k:.2} kbps sketch {:.2} sisdr {q:.2} step {}",sk as f64*8e-3/pcm.seconds(), i.sections[0].step_index); }
   if !out.is_empty(){ write_wav(&format!("{out}/{name}__{}.wav",rate),&d.pcm); std::fs::write(format!("{out}/{name}__{}.kbps",rate),format!("{k}")).unwrap(); } }
  let n=files.len() as f64; println!("rate {rate}: {:.2} kbps sisdr {:.3}  enc {:.0}x dec {:.0}x",kb/n,sum/n,dur/te,dur/td); } }
