module cartwright/clients/journey

go 1.18

require (
	github.com/cloudevents/sdk-go/v2 v2.15.2
	github.com/rabbitmq/amqp091-go v1.10.0
)

require (
	github.com/json-iterator/go v1.1.10 // indirect
	github.com/modern-go/concurrent v0.0.0-20180228061459-e0a39a4cb421 // indirect
	github.com/modern-go/reflect2 v0.0.0-20180701023420-4b7aa43c6742 // indirect
)
