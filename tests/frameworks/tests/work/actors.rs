//! Actors: a context in each message.

mod on_tokio {
    use std::sync::OnceLock;

    use contextvars::{Context, ContextExt, inherit_context, tokio, with_context};
    use tokio::sync::{mpsc, oneshot};

    use crate::TENANT;

    struct Ship {
        order: u32,
        reply: oneshot::Sender<String>,
        context: Context,
    }

    async fn ship(actor: &mpsc::Sender<Ship>, order: u32) -> String {
        let (reply, answer) = oneshot::channel();
        actor.send(Ship { order, reply, context: inherit_context() }).await.unwrap();
        answer.await.unwrap()
    }

    async fn run(mut inbox: mpsc::Receiver<Ship>) {
        while let Some(Ship { order, reply, context }) = inbox.recv().await {
            reply.send(shipped(order).in_context(context).await).unwrap();
        }
    }

    async fn shipped(order: u32) -> String {
        tokio::task::yield_now().await;
        format!("{}'s order {order}", TENANT.get())
    }

    fn start() -> mpsc::Sender<Ship> {
        let (actor, inbox) = mpsc::channel(8);
        tokio::spawn_detached(run(inbox));
        actor
    }

    #[contextvars::test(flavor = "multi_thread")]
    async fn an_actor_handles_each_message_in_the_context_of_its_sender() {
        let actor = start();
        let mut requests = tokio::task::JoinSet::new();
        for (order, tenant) in (0..).zip(["acme", "globex"].into_iter().cycle().take(100)) {
            let actor = actor.clone();
            requests.spawn(with_context!(TENANT = tenant.to_owned(), async move {
                assert_eq!(ship(&actor, order).await, format!("{tenant}'s order {order}"));
            }));
        }
        assert_eq!(requests.join_all().await.len(), 100);
    }

    /// An actor that is started by the first request, and whose messages have no context.
    async fn ship_without(actor: &OnceLock<mpsc::Sender<(u32, oneshot::Sender<String>)>>, order: u32) -> String {
        let actor = actor.get_or_init(|| {
            let (actor, mut inbox) = mpsc::channel::<(u32, oneshot::Sender<String>)>(8);
            tokio::spawn(async move {
                while let Some((order, reply)) = inbox.recv().await {
                    reply.send(shipped(order).await).unwrap();
                }
            });
            actor
        });
        let (reply, answer) = oneshot::channel();
        actor.send((order, reply)).await.unwrap();
        answer.await.unwrap()
    }

    #[contextvars::test]
    async fn without_a_context_in_the_message_all_orders_are_the_first_requests() {
        let actor = OnceLock::new();
        for tenant in ["acme", "globex"] {
            let request = with_context!(TENANT = tenant.to_owned(), async { ship_without(&actor, 7).await });
            assert_eq!(request.await, "acme's order 7");
        }
    }
}

mod on_actix {
    use actix::{Actor, Handler, Message, ResponseFuture};
    use contextvars::{ContextExt, inherit_context, tokio, with_context};

    use crate::TENANT;

    #[derive(Default)]
    struct Warehouse;

    impl Actor for Warehouse {
        type Context = actix::Context<Self>;
    }

    struct Ship {
        order: u32,
        context: contextvars::Context,
    }

    impl Message for Ship {
        type Result = String;
    }

    impl Handler<Ship> for Warehouse {
        type Result = ResponseFuture<String>;

        fn handle(&mut self, Ship { order, context }: Ship, _: &mut actix::Context<Self>) -> Self::Result {
            Box::pin(shipped(order).in_context(context))
        }
    }

    async fn ship(warehouse: &actix::Addr<Warehouse>, order: u32) -> String {
        warehouse.send(Ship { order, context: inherit_context() }).await.unwrap()
    }

    async fn shipped(order: u32) -> String {
        tokio::task::yield_now().await;
        format!("{}'s order {order}", TENANT.get_or("-".to_owned()))
    }

    struct Plain(u32);

    impl Message for Plain {
        type Result = String;
    }

    impl Handler<Plain> for Warehouse {
        type Result = ResponseFuture<String>;

        fn handle(&mut self, Plain(order): Plain, _: &mut actix::Context<Self>) -> Self::Result {
            Box::pin(shipped(order))
        }
    }

    #[test]
    fn an_actor_of_actix_handles_each_message_in_the_context_of_its_sender() {
        actix::System::new().block_on(async {
            let warehouse = Warehouse.start();
            let mut requests = tokio::task::JoinSet::new();
            for (order, tenant) in (0..).zip(["acme", "globex"].into_iter().cycle().take(100)) {
                let warehouse = warehouse.clone();
                requests.spawn(with_context!(TENANT = tenant.to_owned(), async move {
                    assert_eq!(ship(&warehouse, order).await, format!("{tenant}'s order {order}"));
                }));
            }
            assert_eq!(requests.join_all().await.len(), 100);
        });
    }

    #[test]
    fn without_a_context_in_the_message_an_actor_of_actix_knows_no_tenant() {
        actix::System::new().block_on(async {
            let warehouse = Warehouse.start();
            let request = with_context!(TENANT = "acme".to_owned(), async { warehouse.send(Plain(7)).await });
            assert_eq!(request.await.unwrap(), "-'s order 7");
        });
    }
}
