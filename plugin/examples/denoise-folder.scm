; SPDX-License-Identifier: GPL-3.0-or-later
; Denoises all photos of a folder from the command line:
;
;   gimp-console -id --batch-interpreter=plug-in-script-fu-eval \
;     -b '(begin (script-fu-use-v3)
;                (load "denoise-folder.scm")
;                (diffusion-denoise-folder "photos/*.jpg" "clean"))' --quit
;
; The folder "clean" has to exist; each photo is written there as PNG, whole or not at all. No file is overwritten. What
; cannot be read, denoised or written is left out, and the others are done; at the end GIMP says on standard error what
; failed, and its status is not 0.

(define (diffusion-denoise-file from to)
  (let ((image (gimp-file-load RUN-NONINTERACTIVE from)))
    (gimp-image-policy-rotate image FALSE) ; upright, however the camera was held
    (plug-in-diffusion-denoise #:run-mode RUN-NONINTERACTIVE
                               #:image image
                               #:drawables (gimp-image-get-layers image))
    (gimp-file-save RUN-NONINTERACTIVE image to)
    (gimp-image-delete image)))

; What an error in (work) says, or "".
(define (diffusion-try work)
  (let ((hook *error-hook*) (said ""))
    (set! *error-hook* (lambda (message . more) (set! said message) (throw message)))
    (catch #f (work))
    (set! *error-hook* hook)
    said))

; "photos/night.jpg" becomes "night".
(define (diffusion-file-stem path)
  (let* ((name (car (last-pair (strbreakup path "/"))))
         (parts (strbreakup name ".")))
    (if (null? (cdr parts)) name (unbreakupstr (butlast parts) "."))))

(define (diffusion-denoise-folder pattern folder)
  (let ((files (file-glob pattern TRUE)) (failed 0) (reasons ""))
    (define (fail from reason)
      (set! failed (+ failed 1))
      (set! reasons (string-append reasons "\n" from ": " reason)))
    (define (denoise from to)
      (if (file-exists? to)
          (fail from (string-append to " exists already"))
          (let ((said (diffusion-try (lambda () (diffusion-denoise-file from to)))))
            (if (> (string-length said) 0)
                (begin
                  (if (file-exists? to) (file-delete to))
                  (fail from said))))))
    (if (null? files)
        (error (string-append pattern ": no such files")))
    (for-each
      (lambda (from) (denoise from (string-append folder "/" (diffusion-file-stem from) ".png")))
      files)
    (if (> failed 0)
        (error (string-append (number->string failed) " of " (number->string (length files)) " photos failed" reasons)))))
