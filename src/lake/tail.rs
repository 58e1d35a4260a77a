//! The hot part of `events`: what the log has after the lake, read in spans, so that memory does not grow with it.
//!
//! A query runs on threads of its own; the log is read where it was asked, so that the pool's connections never wait
//! for a query's computing. Spans are asked for and answered through a channel.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::stream;
use tokio::sync::{mpsc, oneshot};

use super::schema;
use crate::db;
use crate::domain::{Position, Span, Tenant};
use crate::log::{Batch, BatchLimits, Reader};

/// One span of the tail.
const SPAN: BatchLimits = BatchLimits { entries: 500, bytes: 8 << 20 };
/// Spans that may be asked for before one is answered.
const REQUESTS_MAX: usize = 8;

/// A wish for the log after a position.
pub(super) struct Request {
    after: Position,
    reply: oneshot::Sender<Result<Batch, db::Error>>,
}

/// The table of the tail's rows, and the other end of its channel.
pub(super) fn channel(tenant: Tenant, span: Span) -> (Arc<HotTail>, mpsc::Receiver<Request>) {
    let (requests, receiver) = mpsc::channel(REQUESTS_MAX);
    (Arc::new(HotTail { schema: schema::view_schema(), tenant, span, requests }), receiver)
}

/// Answers wishes until nobody is left to have one.
pub(super) async fn serve(mut requests: mpsc::Receiver<Request>, reader: Reader) {
    while let Some(request) = requests.recv().await {
        let batch = reader.after(request.after, None, None, SPAN).await;
        // Whoever asked may have been cancelled.
        drop(request.reply.send(batch));
    }
}

#[derive(Debug)]
pub(super) struct HotTail {
    schema: SchemaRef,
    tenant: Tenant,
    span: Span,
    requests: mpsc::Sender<Request>,
}

impl PartitionStream for HotTail {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (tenant, through, requests) = (self.tenant.clone(), self.span.through, self.requests.clone());
        let rows = stream::try_unfold(self.span.after, move |after| {
            let (tenant, requests) = (tenant.clone(), requests.clone());
            async move {
                if after >= through {
                    return Ok(None);
                }
                let mut batch = ask(&requests, after).await?;
                if batch.span.is_empty() {
                    return Ok(None);
                }
                // What came after the question was asked is not in its answer.
                batch.envelopes.retain(|envelope| envelope.position <= through && envelope.tenant == tenant);
                let rows = schema::viewed(&schema::batch_of(&batch.envelopes)?)?;
                Ok(Some((rows, batch.span.through)))
            }
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), rows))
    }
}

async fn ask(requests: &mpsc::Sender<Request>, after: Position) -> Result<Batch, DataFusionError> {
    let (reply, answer) = oneshot::channel();
    let gone = || DataFusionError::Internal("the query is no longer waited for".to_owned());
    requests.send(Request { after, reply }).await.map_err(|_| gone())?;
    answer.await.map_err(|_| gone())?.map_err(|error| DataFusionError::External(Box::new(error)))
}
