/** The types of the REST API, made from the OpenAPI document by `npm run docs`; do not edit. */

export interface paths {
  '/v1/subscriptions': {
    /** Register */
    post: {
      parameters: {
        query?: never
        header?: never
        path?: never
      }
      requestBody: { content: {
          'application/json': components['schemas']['Registration']
        } }
      responses: {
        200: { headers: Record<string, unknown>; content: {
          'application/json': components['schemas']['Subscription']
        } }
        201: { headers: Record<string, unknown>; content: {
          'application/json': components['schemas']['Subscription']
        } }
        400: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        401: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        409: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        413: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        415: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        429: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        500: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        503: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
      }
    }
    /** List subscriptions, newest first */
    get: {
      parameters: {
        query?: {
          /** Most rows in the answer, 50 if not given. */
          limit?: number
          /** `next_cursor` of the page before. */
          cursor?: string
          task_token?: string
          state?: 'active' | 'paused' | 'completed' | 'expired' | 'cancelled'
          callback_url?: string
        }
        header?: never
        path?: never
      }
      requestBody?: never
      responses: {
        200: { headers: Record<string, unknown>; content: {
          'application/json': {
            data: (components['schemas']['Subscription'])[]
            next_cursor: string | null
          }
        } }
        400: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        401: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        500: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        503: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
      }
    }
  }
  '/v1/subscriptions/batch': {
    /** Register many */
    post: {
      parameters: {
        query?: never
        header?: never
        path?: never
      }
      requestBody: { content: {
          'application/json': components['schemas']['RegistrationBatch']
        } }
      responses: {
        200: { headers: Record<string, unknown>; content: {
          'application/json': components['schemas']['BatchResults']
        } }
        400: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        401: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        413: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        415: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        500: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        503: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
      }
    }
  }
  '/v1/subscriptions/{id}': {
    /** Read a subscription */
    get: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
      }
      requestBody?: never
      responses: {
        200: { headers: Record<string, unknown>; content: {
          'application/json': components['schemas']['Subscription']
        } }
        401: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        404: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        500: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        503: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
      }
    }
    /** Change, pause or resume a subscription */
    patch: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
      }
      requestBody: { content: {
          'application/json': components['schemas']['SubscriptionChange']
        } }
      responses: {
        200: { headers: Record<string, unknown>; content: {
          'application/json': components['schemas']['Subscription']
        } }
        400: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        401: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        404: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        409: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        413: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        415: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        500: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        503: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
      }
    }
    /** Cancel a subscription */
    delete: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
      }
      requestBody?: never
      responses: {
        204: { headers: Record<string, unknown>; content: never }
        401: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        404: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        500: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        503: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
      }
    }
  }
  '/v1/subscriptions/{id}/test': {
    /** Send a signed test event */
    post: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
      }
      requestBody?: never
      responses: {
        202: { headers: Record<string, unknown>; content: {
          'application/json': components['schemas']['Delivery']
        } }
        400: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        401: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        404: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        409: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        413: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        415: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        500: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        503: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
      }
    }
  }
  '/v1/tasks': {
    /** List tasks, newest first */
    get: {
      parameters: {
        query?: {
          /** Most rows in the answer, 50 if not given. */
          limit?: number
          /** `next_cursor` of the page before. */
          cursor?: string
        }
        header?: never
        path?: never
      }
      requestBody?: never
      responses: {
        200: { headers: Record<string, unknown>; content: {
          'application/json': {
            data: (components['schemas']['Task'])[]
            next_cursor: string | null
          }
        } }
        400: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        401: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        500: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        503: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
      }
    }
  }
  '/v1/tasks/{token}': {
    /** Read a task with its result and transitions */
    get: {
      parameters: {
        query?: never
        header?: never
        path: {
          /** The task token. */
          token: string
        }
      }
      requestBody?: never
      responses: {
        200: { headers: Record<string, unknown>; content: {
          'application/json': components['schemas']['TaskDetail']
        } }
        401: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        404: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        500: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        503: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
      }
    }
  }
  '/v1/tasks/{token}/events': {
    /** Follow a task as server-sent events */
    get: {
      parameters: {
        query?: {
          /** Replays what came after this `seq`. `Last-Event-ID` goes before it. */
          after?: number
        }
        header?: {
          /** Replays what came after this `seq`; an EventSource sends it when it reconnects. */
          'Last-Event-ID'?: number
        }
        path: {
          /** The task token. */
          token: string
        }
      }
      requestBody?: never
      responses: {
        200: { headers: Record<string, unknown>; content: {
          'text/event-stream': string
        } }
        204: { headers: Record<string, unknown>; content: never }
        400: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        401: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        404: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        500: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        503: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
      }
    }
  }
  '/v1/deliveries': {
    /** List deliveries, newest first */
    get: {
      parameters: {
        query?: {
          /** Most rows in the answer, 50 if not given. */
          limit?: number
          /** `next_cursor` of the page before. */
          cursor?: string
          subscription_id?: string
          state?: 'pending' | 'delivered' | 'superseded' | 'exhausted' | 'cancelled'
          /** An event type, such as `task.completed`. */
          type?: string
        }
        header?: never
        path?: never
      }
      requestBody?: never
      responses: {
        200: { headers: Record<string, unknown>; content: {
          'application/json': {
            data: (components['schemas']['Delivery'])[]
            next_cursor: string | null
          }
        } }
        400: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        401: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        500: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        503: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
      }
    }
  }
  '/v1/deliveries/{id}': {
    /** Read a delivery with its payload and attempts */
    get: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
      }
      requestBody?: never
      responses: {
        200: { headers: Record<string, unknown>; content: {
          'application/json': components['schemas']['DeliveryDetail']
        } }
        401: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        404: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        500: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        503: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
      }
    }
  }
  '/v1/deliveries/redeliver': {
    /** Send many again */
    post: {
      parameters: {
        query?: never
        header?: never
        path?: never
      }
      requestBody: { content: {
          'application/json': components['schemas']['RedeliverFilter']
        } }
      responses: {
        202: { headers: Record<string, unknown>; content: {
          'application/json': {
            count: number
          }
        } }
        400: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        401: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        413: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        415: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        500: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        503: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
      }
    }
  }
  '/v1/deliveries/{id}/redeliver': {
    /** Send a delivery again */
    post: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
      }
      requestBody?: never
      responses: {
        202: { headers: Record<string, unknown>; content: {
          'application/json': components['schemas']['Delivery']
        } }
        400: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        401: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        404: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        409: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        413: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        415: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        500: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        503: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
      }
    }
  }
  '/v1/endpoints': {
    /** List endpoints, newest first */
    get: {
      parameters: {
        query?: {
          /** Most rows in the answer, 50 if not given. */
          limit?: number
          /** `next_cursor` of the page before. */
          cursor?: string
        }
        header?: never
        path?: never
      }
      requestBody?: never
      responses: {
        200: { headers: Record<string, unknown>; content: {
          'application/json': {
            data: (components['schemas']['Endpoint'])[]
            next_cursor: string | null
          }
        } }
        400: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        401: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        500: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        503: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
      }
    }
  }
  '/v1/endpoints/{id}': {
    /** Pause an endpoint or limit it */
    patch: {
      parameters: {
        query?: never
        header?: never
        path: {
          id: string
        }
      }
      requestBody: { content: {
          'application/json': components['schemas']['EndpointChange']
        } }
      responses: {
        200: { headers: Record<string, unknown>; content: {
          'application/json': components['schemas']['Endpoint']
        } }
        400: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        401: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        404: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        413: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        415: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        500: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        503: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
      }
    }
  }
  '/v1/signing-secret': {
    /** Read the secrets that sign your webhooks */
    get: {
      parameters: {
        query?: never
        header?: never
        path?: never
      }
      requestBody?: never
      responses: {
        200: { headers: Record<string, unknown>; content: {
          'application/json': components['schemas']['SigningSecrets']
        } }
        401: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        500: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        503: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
      }
    }
  }
  '/v1/signing-secret/rotate': {
    /** Make a new signing secret */
    post: {
      parameters: {
        query?: never
        header?: never
        path?: never
      }
      requestBody?: { content: {
          'application/json': components['schemas']['SecretRotation']
        } }
      responses: {
        200: { headers: Record<string, unknown>; content: {
          'application/json': components['schemas']['SigningSecrets']
        } }
        400: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        401: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        413: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        415: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        500: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        503: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
      }
    }
  }
  '/callbacks/qencode': {
    /** Take Qencode’s own callback as a hint to poll */
    post: {
      parameters: {
        query?: never
        header?: never
        path?: never
      }
      requestBody?: { content: {
          'application/x-www-form-urlencoded': {
            task_token?: string
          }
        } }
      responses: {
        204: { headers: Record<string, unknown>; content: never }
        500: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
      }
    }
  }
  '/healthz': {
    /** Does the process live? */
    get: {
      parameters: {
        query?: never
        header?: never
        path?: never
      }
      requestBody?: never
      responses: {
        200: { headers: Record<string, unknown>; content: {
          'application/json': {
            status: 'ok'
          }
        } }
        500: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
      }
    }
  }
  '/readyz': {
    /** Is it migrated and polling? */
    get: {
      parameters: {
        query?: never
        header?: never
        path?: never
      }
      requestBody?: never
      responses: {
        200: { headers: Record<string, unknown>; content: {
          'application/json': {
            status: 'ok'
          }
        } }
        500: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        503: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
      }
    }
  }
  '/metrics': {
    /** Prometheus metrics */
    get: {
      parameters: {
        query?: never
        header?: never
        path?: never
      }
      requestBody?: never
      responses: {
        200: { headers: Record<string, unknown>; content: {
          'text/plain': string
        } }
        401: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        404: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        500: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        503: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
      }
    }
  }
  '/.well-known/jwks.json': {
    /** The ed25519 public key of `v1a` signatures */
    get: {
      parameters: {
        query?: never
        header?: never
        path?: never
      }
      requestBody?: never
      responses: {
        200: { headers: Record<string, unknown>; content: {
          'application/json': {
            keys: (unknown)[]
          }
        } }
        404: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
        500: { headers: Record<string, unknown>; content: {
          'application/problem+json': components['schemas']['Problem']
        } }
      }
    }
  }
}

export interface components {
  schemas: {
    BatchResults: {
      /** In the order of the request. */
      results: ({
        status: number
        subscription: components['schemas']['Subscription']
      } | {
        status: number
        problem: components['schemas']['Problem']
      })[]
    }
    Delivery: {
      id: string
      /** The `webhook-id` of every attempt. */
      webhook_id: string
      subscription_id: string
      task_token: string
      type: string
      /** Of the transition that it tells of; of `task.expired`, which is none, one more than the task’s last; null for `pollhook.test`. */
      seq: number | null
      /** `pending`: waits or is being sent; `delivered`: answered 2xx; `superseded`: progress that a newer event overtook; `exhausted`: given up; `cancelled`: with its subscription. */
      state: 'pending' | 'delivered' | 'superseded' | 'exhausted' | 'cancelled'
      /** `newer_event` of `superseded`; `attempts_exhausted` or `endpoint_unavailable` of `exhausted`; `requested` or `gone` of `cancelled`. */
      state_reason: 'newer_event' | 'attempts_exhausted' | 'endpoint_unavailable' | 'requested' | 'gone' | null
      /** Settled so far, those before a redelivery included. */
      attempts: number
      /** When the next attempt is planned: its turn, its endpoint or a pause may put it off, an endpoint that recovers or a redelivery brings it forward; null when none is to come. */
      next_attempt_at: string | null
      created_at: string
      /** When it came to its state; null while `pending`. */
      finished_at: string | null
    }
    DeliveryDetail: {
      id: string
      /** The `webhook-id` of every attempt. */
      webhook_id: string
      subscription_id: string
      task_token: string
      type: string
      /** Of the transition that it tells of; of `task.expired`, which is none, one more than the task’s last; null for `pollhook.test`. */
      seq: number | null
      /** `pending`: waits or is being sent; `delivered`: answered 2xx; `superseded`: progress that a newer event overtook; `exhausted`: given up; `cancelled`: with its subscription. */
      state: 'pending' | 'delivered' | 'superseded' | 'exhausted' | 'cancelled'
      /** `newer_event` of `superseded`; `attempts_exhausted` or `endpoint_unavailable` of `exhausted`; `requested` or `gone` of `cancelled`. */
      state_reason: 'newer_event' | 'attempts_exhausted' | 'endpoint_unavailable' | 'requested' | 'gone' | null
      /** Settled so far, those before a redelivery included. */
      attempts: number
      /** When the next attempt is planned: its turn, its endpoint or a pause may put it off, an endpoint that recovers or a redelivery brings it forward; null when none is to come. */
      next_attempt_at: string | null
      created_at: string
      /** When it came to its state; null while `pending`. */
      finished_at: string | null
      callback_url: string
      /** The body of the webhook, as an object. */
      payload: unknown
      /** Oldest first, the newest 20. */
      attempt_log: ({
        attempt: number
        at: string
        /** Where it went: `callback_url` may have changed since. */
        url: string
        /** `accepted`: a whole 2xx; `rejected`: any other status; `unreachable`: no answer in time, or a 2xx that broke off; `refused`: not sent, as the URL or its address is not allowed. */
        outcome: 'accepted' | 'rejected' | 'unreachable' | 'refused'
        /** Null where it is `unreachable` or `refused`. */
        status_code: number | null
        /** Why it was `unreachable` or `refused`; else null. */
        error_code: 'dns_error' | 'connection_refused' | 'connection_reset' | 'timeout' | 'tls_error' | 'network_error' | 'blocked_address' | 'blocked_url' | null
        duration_ms: number
        response_body: string | null
      })[]
    }
    Endpoint: {
      id: string
      origin: string
      /** `failing` from the tenth failure in a row until any other answer: one delivery at a time is tried, the others wait. */
      state: 'healthy' | 'failing'
      /** The first failure of that row; null while `healthy`. */
      failing_since: string | null
      /** When it last answered 2xx; may be a minute old after a restart. */
      last_success_at: string | null
      /** Deliveries that wait. More than 10,000 are counted every 5 seconds at most. */
      backlog: number
      /** When the oldest delivery of the backlog was made. */
      oldest_waiting_at: string | null
      /** Until when its `Retry-After` holds; null when none does. */
      retry_after_until: string | null
      /** Set by you: deliveries are made and held. */
      paused: boolean
      /** Set by you; null: POLLHOOK_ENDPOINT_CONCURRENCY. */
      max_concurrency: number | null
      /** Set by you; null: no limit. */
      max_per_second: number | null
    }
    EndpointChange: {
      /** Deliveries are made and held. */
      paused?: boolean
      max_concurrency?: number | null
      max_per_second?: number | null
    }
    Problem: {
      type: 'about:blank'
      title: string
      status: number
      code: 'invalid_json' | 'invalid_request' | 'callback_not_allowed' | 'status_url_not_allowed' | 'unauthorized' | 'not_found' | 'method_not_allowed' | 'subscription_exists' | 'conflict' | 'body_too_large' | 'unsupported_media_type' | 'quota_exceeded' | 'internal' | 'unavailable'
      /** What is wrong here and what to do about it. */
      detail: string
      request_id: string
      errors?: ({
        path: string
        message: string
      })[]
      /** With `subscription_exists`: the subscription in the way. */
      id?: string
    }
    RedeliverFilter: {
      state: 'exhausted'
      /** Only deliveries created at or after this time. */
      since?: string
      /** Only deliveries created at or before this time. */
      until?: string
      subscription_id?: string
      /** The id of an endpoint (`ep_…`). */
      endpoint?: string
      /** Only count. */
      dry_run?: boolean
    }
    Registration: {
      /** The task token as Qencode’s `create_task` answered it. */
      task_token: string
      /** Where webhooks are posted. https, no user name or password, no fragment, not a private, loopback or reserved address; the configuration may widen this. */
      callback_url: string
      status_url?: string | null
      /** Event types to be told about, or the patterns `task.*` and `*`. Upstream may add statuses, so a `task.` type that Pollhook does not know is accepted; a misspelt one never matches. */
      events?: (string)[]
      /** `task.progress` is sent when the percent crosses a multiple of this. */
      percent_step?: number
      /** Up to 16 string values, 2 KiB in all, echoed in every webhook. The names `__proto__`, `constructor` and `prototype` are refused. */
      metadata?: Record<string, string>
      secret?: string | null
      /** Seconds until Pollhook stops watching and sends `task.expired`. */
      expires_in?: number
    }
    RegistrationBatch: {
      subscriptions: (components['schemas']['Registration'])[]
    }
    SecretRotation: {
      /** Seconds for which the secret before this one signs as well. */
      overlap?: number
    }
    SigningSecrets: {
      /** Newest first; a receiver accepts any of them. */
      secrets: ({
        secret: string
        expires_at: string | null
      })[]
    }
    Subscription: {
      id: string
      task_token: string
      callback_url: string
      /** Where the task is polled; null: at the API host. */
      status_url: string | null
      events: (string)[]
      percent_step: number
      metadata: Record<string, string>
      /** True when a `secret` of its own signs. */
      own_secret: boolean
      /** `active` and `paused` go on. `completed`: the task ended, however it went; `expired`: `expires_in` ran out; `cancelled`: by DELETE or a 410. */
      state: 'active' | 'paused' | 'completed' | 'expired' | 'cancelled'
      /** Why it is `cancelled`: `requested` by DELETE, or `gone`, as the receiver answered 410. */
      state_reason: 'requested' | 'gone' | null
      task: {
        status: string | null
        /** As upstream says it, usually 0 to 100; null while it has said none. */
        percent: number | null
        /** `seq` of the newest transition; 0 before the first. */
        seq: number
        /** When the newest transition was detected. */
        changed_at: string | null
        /** Null until the first poll after a start. */
        polled_at: string | null
      }
      created_at: string
      /** When watching ends with `task.expired`. */
      expires_at: string
    }
    SubscriptionChange: {
      /** Event types to be told about, or the patterns `task.*` and `*`. Upstream may add statuses, so a `task.` type that Pollhook does not know is accepted; a misspelt one never matches. */
      events?: (string)[]
      /** `task.progress` is sent when the percent crosses a multiple of this. */
      percent_step?: number
      /** Up to 16 string values, 2 KiB in all, echoed in every webhook. The names `__proto__`, `constructor` and `prototype` are refused. */
      metadata?: Record<string, string>
      /** Where webhooks are posted. https, no user name or password, no fragment, not a private, loopback or reserved address; the configuration may widen this. */
      callback_url?: string
      /** `null` goes back to the owner’s signing secret. */
      secret?: string | null
      status_url?: string | null
      /** Seconds until Pollhook stops watching and sends `task.expired`. */
      expires_in?: number
      state?: 'active' | 'paused'
    }
    Task: {
      task_token: string
      status: string | null
      /** As upstream says it, usually 0 to 100; null while it has said none. */
      percent: number | null
      /** `seq` of the newest transition; 0 before the first. */
      seq: number
      /** When the newest transition was detected. */
      changed_at: string | null
      /** Null until the first poll after a start. */
      polled_at: string | null
      /** When its end was detected, `task.lost` included; null while it goes on. */
      ended_at: string | null
    }
    TaskDetail: {
      task_token: string
      status: string | null
      /** As upstream says it, usually 0 to 100; null while it has said none. */
      percent: number | null
      /** `seq` of the newest transition; 0 before the first. */
      seq: number
      /** When the newest transition was detected. */
      changed_at: string | null
      /** Null until the first poll after a start. */
      polled_at: string | null
      /** When its end was detected, `task.lost` included; null while it goes on. */
      ended_at: string | null
      error: {
        code: number
        /** In upstream’s words, of which the first 4,096 characters are kept. */
        description: string | null
      } | null
      /** Upstream’s last status object, when the task has ended and it is at most 1 MiB. */
      result: Record<string, unknown> | null
      /** Oldest first, the newest 10,000. */
      transitions: ({
        seq: number
        type: string
        status: string | null
        /** As upstream says it, usually 0 to 100; null while it has said none. */
        percent: number | null
        at: string
      })[]
    }
    WebhookEvent: {
      /** `task.` and the status that changed, `task.progress`, `task.stalled`, `task.resumed`, an end (`task.completed`, `task.failed`, `task.cancelled`, `task.lost`, `task.expired`), or `pollhook.test`. */
      type: string
      /** When the change was detected. */
      timestamp: string
      data: {
        /** Null in an event stream. */
        subscription_id: string | null
        task_token: string
        /** Of the transition that it tells of; of `task.expired`, which is none, one more than the task’s last; null for `pollhook.test`. */
        seq: number | null
        status: string | null
        /** As upstream says it, usually 0 to 100; null while it has said none. */
        percent: number | null
        /** The task at `seq` − 1, whether you were told of it or not; null at the first, on the state told at registration and on `pollhook.test`. */
        previous: {
          status: string | null
          /** As upstream says it, usually 0 to 100; null while it has said none. */
          percent: number | null
        } | null
        /** The subscription’s when the event was made: as registered, or as a PATCH changed it; `{}` in an event stream. */
        metadata: Record<string, string>
        /** Of `task.failed`; `code` is upstream’s number, 1 if it gave none. */
        error: {
          code: number
          /** In upstream’s words, of which the first 4,096 characters are kept. */
          description: string | null
        } | null
        /** Upstream’s status object on terminal events that have one of at most 256 KiB, nested at most a few thousand levels deep. */
        result: Record<string, unknown> | null
        /** There when the result is too large to be sent. */
        result_truncated?: true
      }
    }
  }
}
