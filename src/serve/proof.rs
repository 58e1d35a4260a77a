//! Proofs for outsiders: the newest signed checkpoint, that an envelope is in the log that it was signed of, and that
//! one log continues another. `docs/proof.md` says how they are checked, `docs/verify_proof.py` does it.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};

use super::auth::Caller;
use super::error::ApiError;
use super::parameters::Parameters;
use super::router::AppState;
use crate::domain::Position;
use crate::log::chain::Hash;
use crate::proof::prover::{Answer, Proof, Signed};
use crate::proof::{Error, Prover};

/// `GET /log/checkpoint`: the newest signed checkpoint, as it is.
pub(super) async fn checkpoint(State(app): State<AppState>, _: Caller) -> Result<Response, ApiError> {
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], latest(&prover(&app)).await?.note).into_response())
}

/// What an outsider needs to check one envelope; hashes in hexadecimal.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Inclusion {
    position: Position,
    index: i64,
    tree_size: u64,
    leaf: Map<String, Value>,
    salt: Option<String>,
    leaf_hash: String,
    path: Vec<String>,
    checkpoint: String,
}

impl From<Proof> for Inclusion {
    fn from(proof: Proof) -> Self {
        Self {
            position: proof.position,
            index: proof.position.get() - 1,
            tree_size: proof.signed.checkpoint.size,
            leaf: proof.leaf.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect(),
            salt: proof.salt.map(hex::encode),
            leaf_hash: hex::encode(proof.leaf_hash),
            path: texts(&proof.path),
            checkpoint: proof.signed.note,
        }
    }
}

/// `GET /log/proof/{position}`: that the envelope is in the log that was signed.
pub(super) async fn inclusion(State(app): State<AppState>, caller: Caller, Path(position): Path<String>) -> Result<Json<Inclusion>, ApiError> {
    // What is not a position names no envelope.
    let position = position.parse().map(Position::new).map_err(|_| ApiError::NotFound("envelope"))?;
    match prover(&app).prove(&caller.tenant, position).await? {
        Answer::Proved(proof) => Ok(Json(proof.into())),
        Answer::Unknown => Err(ApiError::NotFound("envelope")),
        Answer::Dropped => Err(ApiError::Gone(format!("position {position} was dropped by retention; checkpoints still commit to it"))),
        Answer::NotYet => Err(ApiError::NotYet(format!(
            "no signed checkpoint covers position {position} yet; the next one will (proof.checkpoint_every_seconds), or `hooklake checkpoint` signs one now"
        ))),
    }
}

/// That one signed log continues another.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Consistency {
    from: u64,
    to: u64,
    path: Vec<String>,
    checkpoint: String,
}

/// `GET /log/consistency?from=SIZE`: that the log of that size is the beginning of the one in the newest checkpoint.
pub(super) async fn consistency(State(app): State<AppState>, _: Caller, mut parameters: Parameters) -> Result<Json<Consistency>, ApiError> {
    let from: u64 = parameters.required("from")?.parse().map_err(|error| ApiError::parameter("from", error))?;
    parameters.finish()?;
    let prover = prover(&app);
    let signed = latest(&prover).await?;
    let to = signed.checkpoint.size;
    if from == 0 || from > to {
        return Err(ApiError::parameter("from", format!("is the size of an earlier checkpoint: 1 to {to}")));
    }
    let path = prover.consistency(from, to).await?;
    Ok(Json(Consistency { from, to, path: texts(&path), checkpoint: signed.note }))
}

fn prover(app: &AppState) -> Prover {
    Prover::new(app.database.clone())
}

async fn latest(prover: &Prover) -> Result<Signed, ApiError> {
    prover.latest().await?.ok_or(ApiError::NotFound("checkpoint yet"))
}

fn texts(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(hex::encode).collect()
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Database(error) => error.into(),
            other => Self::internal(other),
        }
    }
}
